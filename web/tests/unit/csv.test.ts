import { describe, expect, test } from 'vitest';
import { CsvParser, csvRecord, guessDelimiter, NO_DELIMITER, parseCsv } from '../../src/csv';

function inPieces(text: string, size: number): string[][] {
  const records: string[][] = [];
  const parser = new CsvParser(',', true, cells => records.push(cells));
  for (let at = 0; at < text.length; at += size) parser.push(text.slice(at, at + size));
  parser.end();
  return records;
}

describe('CSV', () => {
  test.each([
    ['plain', 'a,b\n1,2\n', [['a', 'b'], ['1', '2']]],
    ['no line end at the end', 'a,b\n1,2', [['a', 'b'], ['1', '2']]],
    ['CRLF', 'a,b\r\n1,2\r\n', [['a', 'b'], ['1', '2']]],
    ['quotes', 'a\n"He said ""great, really"""\n', [['a'], ['He said "great, really"']]],
    ['line ends in a cell', 'a,b\n"x\r\ny\nz",2\r\n', [['a', 'b'], ['x\r\ny\nz', '2']]],
    ['a CR at the end of a quoted cell', 'a\n"x\r"\r\n', [['a'], ['x\r']]],
    ['a lone CR is text', 'a,b\nx\ry,2\n', [['a', 'b'], ['x\ry', '2']]],
    ['empty cells', ',\n,,\n"",""\n', [['', ''], ['', '', ''], ['', '']]],
    ['blank lines are no records', 'a,b\n\n\r\n1,2\n\n', [['a', 'b'], ['1', '2']]],
    ['an empty quoted cell is a record', 'a\n""\n', [['a'], ['']]],
    ['a quote inside a plain cell', 'a,b\n5" disk,it"s\n', [['a', 'b'], ['5" disk', 'it"s']]],
    ['text after a closing quote', '"a"b,c\n', [['ab', 'c']]],
    ['ragged rows', 'a,b\n1\n1,2,3\n', [['a', 'b'], ['1'], ['1', '2', '3']]],
    ['white space stays', 'a, b \n  1,\t2\n', [['a', ' b '], ['  1', '\t2']]],
    ['NUL and letters beyond 16 bits', 'a\nx\u0000y😀\n', [['a'], ['x\u0000y😀']]],
    ['nothing', '', []],
    ['only a CR', '\r', []],
  ])('%s', (_, text, expected) => {
    expect(parseCsv(text)).toEqual(expected);
    for (const size of [1, 2, 3, 7]) expect(inPieces(text, size)).toEqual(expected);
  });

  test('a quoted cell without an end is told', () => {
    const seen: [string[], boolean][] = [];
    const parser = new CsvParser(',', true, (cells, unterminated) => seen.push([cells, unterminated]));
    parser.push('a\n"never ends\nand more');
    parser.end();
    expect(seen).toEqual([[['a'], false], [['never ends\nand more'], true]]);
  });

  test('TSV has no quoting', () => {
    expect(parseCsv('a\tb\n"x\ty"\n', '\t', false)).toEqual([['a', 'b'], ['"x', 'y"']]);
  });

  test('what is written is read back as it was', () => {
    const hostile = ['', ' ', '"', '""', ',', 'a\nb', 'a\r\nb', '\r', 'x\r', ';', '\t', 'a"b', '😀', '=1+1', ' lead', 'trail '];
    for (const delimiter of [',', ';']) {
      const records = [hostile, ...hostile.map(value => [value]), ...hostile.map(value => [value, value])];
      const text = records.map(cells => csvRecord(cells, delimiter) + '\n').join('');
      expect(parseCsv(text, delimiter)).toEqual(records);
    }
  });
});

describe('delimiter', () => {
  test.each([
    ['comma', 'a,b\n1,2\n', ','],
    ['semicolon with decimal commas', 'a;b\n1,5;2,5\n3,5;4,5\n', ';'],
    ['tab', 'a\tb\n1,2\t3,4\n', '\t'],
    ['semicolons inside quoted cells', 'a,b\n"x;y;z",1\n"p;q",2\n', ','],
    ['one column', 'text\nHello, world\nOne, two, three\n', NO_DELIMITER],
    ['header only', 'a;b;c', ';'],
    ['a comma in the header of a semicolon file', 'price, net;text\n1;a\n2;b\n', ';'],
    ['nothing', '', NO_DELIMITER],
  ])('%s', (_, text, expected) => {
    expect(guessDelimiter(text)).toBe(expected);
  });
});

test('an unclosed quote in a large file costs no more than any other', () => {
  const text = 'a\n"' + 'x,y\n'.repeat(500_000);
  const begin = performance.now();
  inPieces(text, 4096);
  expect(performance.now() - begin).toBeLessThan(2000);
});
