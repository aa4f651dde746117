// Reads a file of the user into a Dataset, in pieces, so that the page answers while a large one is read.

import { CsvParser, guessDelimiter, NO_DELIMITER } from './csv';
import type { Dataset } from './dataset';
import { breathe } from './dom';
import { LineSplitter, readJsonLine } from './jsonl';

export class FileError extends Error {}

interface Sink {
  push(piece: string): void;
  end(): void;
}

const HEAD = 64 * 1024;
const SLICE = 30;               // milliseconds of reading before the page may breathe
const MOST_COLUMNS = 500;

function emptyDataset(name: string): Dataset {
  return {
    name, kind: 'csv', delimiter: ',', mark: false, note: '', columns: [], rows: [], lines: [], faults: new Map(),
  };
}

/** The name without `.gz` tells the kind; a file without a known ending is judged by its first character. */
function kindOf(name: string, head: string): Dataset['kind'] {
  const ending = /\.([a-z]+)(\.gz)?$/i.exec(name)?.[1].toLowerCase();
  if (ending === 'jsonl' || ending === 'ndjson') return 'jsonl';
  if (ending === 'tsv' || ending === 'tab') return 'tsv';
  if (ending === 'txt') return 'lines';
  if (ending === 'json' && head.trimStart().startsWith('[')) {
    throw new FileError('This is one JSON array. The page reads JSON Lines: one object on each line.');
  }
  return head.trimStart().startsWith('{') ? 'jsonl' : 'csv';
}

function tableSink(data: Dataset): Sink {
  const quoting = data.kind === 'csv';
  let header = true;
  return new CsvParser(data.delimiter, quoting, (cells, unterminated) => {
    if (header) {
      header = false;
      data.columns = cells;
      if (cells.length > MOST_COLUMNS) throw new FileError(`The header has ${cells.length} columns; that is too many.`);
      return;
    }
    const row = data.rows.length;
    data.rows.push(cells);
    if (unterminated) data.faults.set(row, 'unterminated_quote: a quoted cell of this row has no end');
    else if (cells.length !== data.columns.length) data.faults.set(row, fieldCount(cells, data.columns.length));
  });
}

function fieldCount(cells: string[], expected: number): string {
  const beyond = cells.length > expected ? `; beyond them ${JSON.stringify(cells.slice(expected))}` : '';
  return `wrong_field_count: ${cells.length} cells, the header has ${expected}${beyond}`;
}

function jsonSink(data: Dataset): Sink {
  const index = new Map<string, number>();
  return new LineSplitter(line => {
    const { fields, fault } = readJsonLine(line);
    const cells: string[] = [];
    for (const [key, value] of fields) {
      let column = index.get(key);
      if (column === undefined) {
        if (index.size === MOST_COLUMNS) continue;      // kept in the line, not shown as a column
        column = index.size;
        index.set(key, column);
        data.columns.push(key);
      }
      while (cells.length < column) cells.push('');
      cells[column] = value;
    }
    if (fault) data.faults.set(data.rows.length, fault);
    data.rows.push(cells);
    data.lines.push(line);
  });
}

function lineSink(data: Dataset): Sink {
  data.columns = ['text'];
  return new LineSplitter(line => data.rows.push([line]));
}

function sinkFor(data: Dataset, head: string): Sink {
  data.kind = kindOf(data.name, head);
  if (data.kind === 'jsonl') return jsonSink(data);
  if (data.kind === 'lines') return lineSink(data);
  data.delimiter = data.kind === 'tsv' ? '\t' : guessDelimiter(head);
  return tableSink(data);
}

async function readPieces(file: File, encoding: string, data: Dataset, onProgress: (share: number) => void) {
  const decoder = new TextDecoder(encoding, { fatal: encoding === 'utf-8' });
  const gzip = /\.gz$/i.test(file.name);
  const stream = gzip ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream();
  const reader = stream.getReader();
  let head: string | null = '';
  let sink: Sink | null = null;
  let seen = 0;
  let rested = performance.now();
  for (;;) {
    const { done, value } = await reader.read();
    let piece = done ? decoder.decode() : decoder.decode(value, { stream: true });
    if (head !== null) {
      head += piece;
      if (!done && head.length < HEAD) continue;
      sink = sinkFor(data, head.slice(0, HEAD));
      [piece, head] = [head, null];
    }
    sink!.push(piece);
    if (done) break;
    seen += value.length;
    onProgress(gzip ? 0 : seen / file.size);
    if (performance.now() - rested < SLICE) continue;
    await breathe();
    rested = performance.now();
  }
  sink!.end();
}

async function encodingOf(file: File): Promise<{ encoding: string; mark: boolean }> {
  const [a, b, c] = new Uint8Array(await file.slice(0, 3).arrayBuffer());
  if (a === 0xff && b === 0xfe) return { encoding: 'utf-16le', mark: false };
  if (a === 0xfe && b === 0xff) return { encoding: 'utf-16be', mark: false };
  return { encoding: 'utf-8', mark: a === 0xef && b === 0xbb && c === 0xbf };
}

/** Throws FileError in words for the user. */
export async function readFile(file: File, onProgress: (share: number) => void = () => {}): Promise<Dataset> {
  let data = emptyDataset(file.name);
  const { encoding, mark } = await encodingOf(file);
  try {
    await readPieces(file, encoding, data, onProgress);
  } catch (error) {
    if (error instanceof FileError) throw error;
    if (!(error instanceof TypeError) || encoding !== 'utf-8' || /\.gz$/i.test(file.name)) {
      throw new FileError(`${file.name} cannot be read.`);
    }
    data = emptyDataset(file.name);
    await readPieces(file, 'windows-1252', data, onProgress);
    data.note = 'The file is not valid UTF-8 and was read as Windows-1252. Check that its letters look right.';
  }
  data.mark = mark;
  if (data.columns.length === 0) throw new FileError(`${file.name} is empty.`);
  if (data.rows.length === 0) throw new FileError(`${file.name} has a header and no rows below it.`);
  if (data.delimiter === NO_DELIMITER) data.delimiter = ',';
  return data;
}
