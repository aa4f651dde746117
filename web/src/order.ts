// Which rows of a file are shown, and in which order.

import type { Category, Dataset } from './dataset';
import { cell } from './dataset';
import { FAILED, type Results } from './results';

export const ANY = -1;
export const ERRORS = -2;

export interface Filter {
  query: string;
  label: number;                    // ANY, ERRORS or an index of results.labels
  language: number;
  category: { from: Category; code: number } | null;
}

/** A column of the file, or one of the results. */
export type SortKey = number | 'row' | 'label' | 'score' | 'polarity' | 'language';

export interface Sort {
  key: SortKey;
  descending: boolean;
}

export function noFilter(): Filter {
  return { query: '', label: ANY, language: ANY, category: null };
}

/** Whether the order can change as results come in. */
export function dependsOnResults(filter: Filter, sort: Sort): boolean {
  return filter.label !== ANY || filter.language !== ANY || (typeof sort.key === 'string' && sort.key !== 'row');
}

function matcher(query: string): RegExp | null {
  const text = query.trim();
  return text === '' ? null : new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'iu');
}

export function orderRows(data: Dataset, results: Results, textColumn: number, filter: Filter, sort: Sort): Int32Array {
  const match = matcher(filter.query);
  const rows = new Int32Array(data.rows.length);
  let size = 0;
  for (let row = 0; row < data.rows.length; row++) {
    if (filter.label === ERRORS ? results.state[row] !== FAILED
      : filter.label !== ANY && results.label[row] !== filter.label) continue;
    if (filter.language !== ANY && results.language[row] !== filter.language) continue;
    if (filter.category && filter.category.from.codes[row] !== filter.category.code) continue;
    if (match && !match.test(cell(data, row, textColumn))) continue;
    rows[size++] = row;
  }
  return sorted(data, results, rows.subarray(0, size), sort);
}

/** Numbers before texts before nothing; rows that are equal stay in the order of the file, upwards and downwards. */
function sorted(data: Dataset, results: Results, rows: Int32Array, { key, descending }: Sort): Int32Array {
  if (key === 'row') return descending ? rows.reverse() : rows;
  if (key === 'score' || key === 'polarity') return byNumber(rows, results[key], descending);
  const text = key === 'label' ? (row: number) => results.labelOf(row)
    : key === 'language' ? (row: number) => results.languageOf(row) : (row: number) => cell(data, row, key);
  const values = new Array<string>(data.rows.length);
  const numbers = new Float64Array(data.rows.length);
  let numeric = true;
  for (const row of rows) {
    values[row] = text(row);
    numbers[row] = values[row].trim() === '' ? NaN : Number(values[row]);
    if (Number.isNaN(numbers[row]) && values[row].trim() !== '') numeric = false;
  }
  return numeric ? byNumber(rows, numbers, descending) : byText(rows, values, descending);
}

function byNumber(rows: Int32Array, values: Float64Array, descending: boolean): Int32Array {
  const sign = descending ? -1 : 1;
  return rows.sort((a, b) => {
    const [x, y] = [values[a], values[b]];
    if (x === y) return a - b;
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) ? (Number.isNaN(y) ? a - b : 1) : -1;
    return x < y ? -sign : sign;
  });
}

function byText(rows: Int32Array, values: string[], descending: boolean): Int32Array {
  const sign = descending ? -1 : 1;
  return rows.sort((a, b) => {
    const [x, y] = [values[a], values[b]];
    if (x === y) return a - b;
    if (x === '' || y === '') return x === '' ? 1 : -1;
    return x < y ? -sign : sign;
  });
}
