import { describe, expect, test } from 'vitest';
import { category, dateColumn, guessTextColumn, rowFault } from '../../src/dataset';
import { toCsv, toJsonl } from '../../src/export';
import { FileError, readFile } from '../../src/reader';
import { Results } from '../../src/results';

function file(name: string, content: string | Uint8Array): File {
  return new File([content as BlobPart], name);
}

describe('reading', () => {
  test('a byte order mark is no part of the first name', async () => {
    const data = await readFile(file('a.csv', '\ufefftext,n\nhi,1\n'));
    expect(data.columns).toEqual(['text', 'n']);
    expect(data.mark).toBe(true);
  });

  test('UTF-16 is converted', async () => {
    const text = '\ufefftext,n\nžluť,1\n';
    const units = new Uint8Array(new Uint16Array([...text].map(c => c.charCodeAt(0))).buffer);
    expect((await readFile(file('a.csv', units))).rows).toEqual([['žluť', '1']]);
  });

  test('what is no UTF-8 is read as Windows-1252, and said', async () => {
    const data = await readFile(file('a.csv', new Uint8Array([0x61, 0x0a, 0xe9, 0x0a])));
    expect(data.rows).toEqual([['é']]);
    expect(data.note).toContain('Windows-1252');
  });

  test('gzip', async () => {
    const stream = new Blob(['text\nhello\n']).stream().pipeThrough(new CompressionStream('gzip'));
    const packed = new Uint8Array(await new Response(stream).arrayBuffer());
    expect((await readFile(file('a.csv.gz', packed))).rows).toEqual([['hello']]);
  });

  test('ragged rows stay, with the reason', async () => {
    const data = await readFile(file('a.csv', 'a,b\n1\n1,2,3\n1,2\n'));
    expect(data.rows.length).toBe(3);
    expect(data.faults.get(0)).toContain('wrong_field_count: 1 cells');
    expect(data.faults.get(1)).toContain('["3"]');
    expect(data.faults.has(2)).toBe(false);
  });

  test('one column may hold commas', async () => {
    const data = await readFile(file('a.csv', 'text\nHello, world\n'));
    expect(data.rows).toEqual([['Hello, world']]);
  });

  test.each([
    ['empty.csv', '', 'is empty'], ['header.csv', 'a,b\n', 'no rows'], ['blank.jsonl', '\n\n', 'is empty'],
    ['array.json', '[{"text":"a"}]', 'JSON Lines'],
  ])('%s is refused in words', async (name, content, message) => {
    await expect(readFile(file(name, content))).rejects.toThrow(message);
    await expect(readFile(file(name, content))).rejects.toBeInstanceOf(FileError);
  });

  test('200,000 rows in less than two seconds', async () => {
    const lines = Array.from({ length: 200_000 }, (_, row) => `${row},2026-01-0${row % 9 + 1},"a text, number ${row}"`);
    const large = file('a.csv', `id,date,text\n${lines.join('\n')}\n`);
    const begin = performance.now();
    expect((await readFile(large)).rows.length).toBe(200_000);
    expect(performance.now() - begin).toBeLessThan(2000);
  });
});

describe('JSON Lines', () => {
  test('values stay as they were written', async () => {
    const data = await readFile(file('a.jsonl',
      '{"id": 1234567890123456789, "text": "a \\"b\\" \\u00e9", "x": {"y": [1, "}"]}, "z": null}\r\n\n{"text":"c","new":1.0}'));
    expect(data.columns).toEqual(['id', 'text', 'x', 'z', 'new']);
    expect(data.rows[0]).toEqual(['1234567890123456789', 'a "b" é', '{"y": [1, "}"]}', '']);
    expect(data.rows[1][4]).toBe('1.0');
  });

  test('bad lines stay rows and say why', async () => {
    const data = await readFile(file('a.jsonl', '{"text":"a"}\nnope\n[1]\n{"text":1}\n{"x":"y"}\n{"text":"a","text":"b"}\n'));
    const faults = data.rows.map((_, row) => rowFault(data, row, 0).split(':')[0]);
    expect(faults).toEqual(['', 'invalid_json', 'not_an_object', 'not_text', 'missing_text', 'repeated_key']);
  });

  test('a name like __proto__ is a name', async () => {
    const data = await readFile(file('a.jsonl', '{"__proto__":"x","text":"a"}\n'));
    expect(data.columns).toEqual(['__proto__', 'text']);
    expect(rowFault(data, 0, 1)).toBe('');
  });
});

describe('columns', () => {
  test('the text is guessed', async () => {
    expect(guessTextColumn(await readFile(file('a.csv', 'title,Text\nlonger than the text,x\n')))).toBe(1);
    expect(guessTextColumn(await readFile(file('a.csv', 'id,review,stars\n1,the longest of all,5\n')))).toBe(1);
  });

  test('dates and categories are found', async () => {
    const rows = Array.from({ length: 60 }, (_, n) => `${String(n % 28 + 1).padStart(2, '0')}.03.2026,${n % 5},text ${n}`);
    const data = await readFile(file('a.csv', `day,stars,text\n${rows.join('\n')}\n`));
    expect(dateColumn(data, 0)?.days[1]).toBe(Date.UTC(2026, 2, 2) / 86_400_000);
    expect(dateColumn(data, 1)).toBeNull();
    expect(category(data, 1)?.values).toEqual(['0', '1', '2', '3', '4']);
    expect(category(data, 2)).toBeNull();
  });
});

describe('download', () => {
  const answer = { id: '0', label: 'positive', score: 0.9876543, scores: {}, polarity: -0.5 };

  test('the columns of the file come first and unchanged', async () => {
    const data = await readFile(file('a.csv', 'n,text,label\n1,"a ""b""\nc",mine\n2,,x\n'));
    const results = new Results(2);
    results.answer(0, answer);
    results.fail(1, 'empty_text: the text is empty');
    expect(toCsv(data, results).join('')).toBe('n,text,label,valence_label,score,polarity,error\n' +
      '1,"a ""b""\nc",mine,positive,0.9876543,-0.5,\n2,,x,,,,empty_text: the text is empty\n');
  });

  test('no column for errors without errors, and semicolons stay', async () => {
    const data = await readFile(file('a.csv', '\ufeffn;text\n1,5;good\n'));
    const results = new Results(1);
    results.answer(0, answer);
    expect(toCsv(data, results).join('')).toBe('\ufeffn;text;label;score;polarity\n"1,5";good;positive;0.9876543;-0.5\n');
  });

  test('JSON Lines keep their characters', async () => {
    const data = await readFile(file('a.jsonl', '{"id":12345678901234567890, "text":"a"}\n{}\nnope\n'));
    const results = new Results(3);
    results.answer(0, answer);
    results.fail(1, 'missing_text: x');
    results.fail(2, 'invalid_json: y');
    expect(toJsonl(data, results).join('')).toBe(
      '{"id":12345678901234567890, "text":"a","label":"positive","score":0.9876543,"polarity":-0.5}\n' +
      '{"error":"missing_text: x"}\n{"line":"nope","error":"invalid_json: y"}\n');
  });
});
