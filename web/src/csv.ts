// CSV and TSV: a parser that takes the text in pieces of any size, the guess of the delimiter, and a writer.

type Emit = (cells: string[], unterminated: boolean) => void;

const QUOTE = 34;
const LF = 10;

/**
 * RFC 4180 with any one-character delimiter. A quote opens a quoted cell only at the cell's first character; what
 * follows the closing quote belongs to the cell. LF and CRLF end a record, a lone CR does not. Blank lines are no
 * records. Every character is looked at once, whatever the sizes of the pieces.
 */
export class CsvParser {
  private cells: string[] = [];
  private cell = '';
  private state: 'start' | 'plain' | 'quoted' | 'closed' = 'start';
  // Where in `cell` the quoted part ends: a CR before it is content, after it belongs to the line's end.
  private quotedEnd = 0;
  private wasQuoted = false;

  constructor(private readonly delimiter: string, private readonly quoting: boolean, private readonly emit: Emit) {}

  push(piece: string) {
    let at = 0;
    while (at < piece.length) {
      if (this.state === 'quoted') at = this.readQuoted(piece, at);
      else if (this.state === 'closed') at = this.readClosed(piece, at);
      else if (this.state === 'start' && this.quoting && piece.charCodeAt(at) === QUOTE) {
        this.state = 'quoted';
        this.wasQuoted = true;
        at++;
      } else at = this.readPlain(piece, at);
    }
  }

  end() {
    const unterminated = this.state === 'quoted';
    if (this.cell === '\r' && !this.wasQuoted && this.cells.length === 0) return;
    if (this.cell !== '' || this.wasQuoted || this.cells.length > 0) this.endRecord(unterminated);
  }

  private readQuoted(piece: string, from: number): number {
    const quote = piece.indexOf('"', from);
    if (quote < 0) {
      this.cell += piece.slice(from);
      return piece.length;
    }
    this.cell += piece.slice(from, quote);
    this.state = 'closed';
    return quote + 1;
  }

  private readClosed(piece: string, at: number): number {
    if (piece.charCodeAt(at) === QUOTE) {
      this.cell += '"';
      this.state = 'quoted';
      return at + 1;
    }
    this.quotedEnd = this.cell.length;
    this.state = 'plain';
    return at;
  }

  private readPlain(piece: string, from: number): number {
    const delimiter = this.delimiter.charCodeAt(0);
    this.state = 'plain';
    let at = from;
    for (; at < piece.length; at++) {
      const code = piece.charCodeAt(at);
      if (code !== delimiter && code !== LF) continue;
      this.cell += piece.slice(from, at);
      if (code === LF) this.endLine();
      else this.endCell();
      return at + 1;
    }
    this.cell += piece.slice(from, at);
    return at;
  }

  private endLine() {
    if (this.cell.length > this.quotedEnd && this.cell.endsWith('\r')) this.cell = this.cell.slice(0, -1);
    if (this.cell === '' && !this.wasQuoted && this.cells.length === 0) this.state = 'start';
    else this.endRecord(false);
  }

  private endCell() {
    this.cells.push(this.cell);
    this.cell = '';
    this.state = 'start';
    this.quotedEnd = 0;
    this.wasQuoted = false;
  }

  private endRecord(unterminated: boolean) {
    // At the end of the file a last line may lack its LF and still have its CR.
    if (!unterminated && this.cell.length > this.quotedEnd && this.cell.endsWith('\r')) {
      this.cell = this.cell.slice(0, -1);
    }
    this.endCell();
    const cells = this.cells;
    this.cells = [];
    this.emit(cells, unterminated);
  }
}

/** All records of a text; for tests and for guessing. */
export function parseCsv(text: string, delimiter = ',', quoting = true): string[][] {
  const records: string[][] = [];
  const parser = new CsvParser(delimiter, quoting, cells => records.push(cells));
  parser.push(text);
  parser.end();
  return records;
}

/** No character of a text: the delimiter of a file with a single column. */
export const NO_DELIMITER = '\u0000';

/**
 * Comma, semicolon or tab: the one for which most of the first records have as many cells as the header, then the one
 * with most cells. A header that none of them divides means one column, in which commas are text.
 */
export function guessDelimiter(head: string): string {
  let best = NO_DELIMITER;
  let bestScore = 0;
  for (const delimiter of [',', ';', '\t']) {
    const records = parseCsv(head, delimiter);
    if (records.length > 1) records.pop();      // the last one may be cut by the end of `head`
    const width = records[0]?.length ?? 0;
    if (width < 2) continue;
    const sample = records.slice(0, 50);
    const regular = sample.filter(cells => cells.length === width).length / sample.length;
    const score = regular + Math.min(width, 100) / 1000;
    if (score > bestScore) [best, bestScore] = [delimiter, score];
  }
  return best;
}

/** One record without its line end; quotes only where they are needed. */
export function csvRecord(cells: string[], delimiter = ','): string {
  if (cells.length === 1 && cells[0] === '') return '""';   // else it would be a blank line
  return cells.map(cell => csvCell(cell, delimiter)).join(delimiter);
}

const SPECIAL = /[",;\t\r\n]|^\s|\s$/;

function csvCell(cell: string, delimiter: string): string {
  if (!SPECIAL.test(cell) && !cell.includes(delimiter)) return cell;
  return `"${cell.replaceAll('"', '""')}"`;
}
