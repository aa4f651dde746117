// A file as rows and columns, and what its columns are good for.

import { parseDates, type DateOrder } from './dates';
import { textFault } from './jsonl';

export interface Dataset {
  name: string;
  kind: 'csv' | 'tsv' | 'jsonl' | 'lines';
  delimiter: string;
  mark: boolean;                    // the file began with a byte order mark
  note: string;                     // what the reader had to assume, for the user
  columns: string[];
  rows: string[][];                 // a row may be shorter than the columns: the rest is empty
  lines: string[];                  // JSON Lines only: each row as it was written
  faults: Map<number, string>;      // rows that cannot be analyzed, `code: reason`
}

export interface Category {
  column: number;                   // -1: the language of the results
  name: string;
  values: string[];
  codes: Int32Array;                // one of `values` a row
}

export interface DateColumn {
  column: number;
  name: string;
  days: Float64Array;               // days since 1970, NaN where there is no date
}

export const MOST_CATEGORIES = 40;

export function columnName(data: Dataset, column: number): string {
  return data.columns[column] || `column ${column + 1}`;
}

export function cell(data: Dataset, row: number, column: number): string {
  return data.rows[row][column] ?? '';
}

/** `text`, in whatever case, else a common name for it, else the column with the longest cells. */
export function guessTextColumn(data: Dataset): number {
  const names = data.columns.map(name => name.trim().toLowerCase());
  if (names.includes('text')) return names.indexOf('text');
  const sample = data.rows.slice(0, 500);
  let best = 0;
  let bestLength = -1;
  for (let column = 0; column < data.columns.length; column++) {
    const length = sample.reduce((sum, row) => sum + (row[column]?.length ?? 0), 0);
    if (length > bestLength) [best, bestLength] = [column, length];
  }
  return best;
}

/** Why a row cannot be sent, or an empty string. */
export function rowFault(data: Dataset, row: number, textColumn: number): string {
  const fault = data.faults.get(row);
  if (fault) return fault;
  return data.kind === 'jsonl' ? textFault(data.lines[row], data.columns[textColumn]) : '';
}

/** A column with at least two and at most MOST_CATEGORIES values that repeat; else null. */
export function category(data: Dataset, column: number): Category | null {
  const index = new Map<string, number>();
  const codes = new Int32Array(data.rows.length);
  for (let row = 0; row < data.rows.length; row++) {
    const value = cell(data, row, column).trim();
    let code = index.get(value);
    if (code === undefined) {
      if (index.size === MOST_CATEGORIES) return null;
      code = index.size;
      index.set(value, code);
    }
    codes[row] = code;
  }
  if (index.size < 2 || index.size > data.rows.length / 2) return null;
  return { column, name: columnName(data, column), values: [...index.keys()], codes };
}

/** A column of dates; at most one cell in twenty may be something else. */
export function dateColumn(data: Dataset, column: number): DateColumn | null {
  const order: { value?: DateOrder } = {};
  const sample = data.rows.slice(0, 300).map(row => row[column] ?? '').filter(value => value.trim() !== '');
  if (sample.length === 0 || misses(parseDates(sample, order)) > sample.length / 20) return null;
  const days = parseDates(data.rows.map(row => row[column] ?? ''), {});
  let distinct = 0;
  for (let row = 1; row < days.length && distinct === 0; row++) {
    if (Math.floor(days[row]) !== Math.floor(days[0])) distinct++;
  }
  return distinct > 0 ? { column, name: columnName(data, column), days } : null;
}

function misses(days: Float64Array): number {
  return days.reduce((sum, day) => sum + (Number.isNaN(day) ? 1 : 0), 0);
}
