// The file with its results, as CSV and as JSON Lines.

import { csvRecord } from './csv';
import { cell, type Dataset } from './dataset';
import { withMembers } from './jsonl';
import { FAILED, type Results } from './results';

const ROWS_A_PART = 5000;
const SELDOM = new Set(['error', 'translation']);     // left out of JSON Lines where a row has none

/** Our columns; where the file has one of that name, ours gets a prefix, as in the command line's output. */
export function ownColumns(data: Dataset, results: Results): Map<string, string> {
  const wanted = ['label', 'score'];
  if (results.hasPolarity) wanted.push('polarity');
  if (results.languages.length > 0) wanted.push('language');
  if (results.routes.length > 0) wanted.push('route');
  if (results.translations.size > 0) wanted.push('translation');
  if (results.failed > 0) wanted.push('error');
  return new Map(wanted.map(name => [name, data.columns.includes(name) ? `valence_${name}` : name]));
}

function ownValue(results: Results, row: number, name: string): string | number | null {
  if (name === 'error') return results.errors.get(row) ?? null;
  if (name === 'label') return results.labelOf(row) || null;
  if (name === 'language') return results.languageOf(row) || null;
  if (name === 'route') return results.routeOf(row) || null;
  if (name === 'translation') return results.translations.get(row) ?? null;
  const value = name === 'score' ? results.score[row] : results.polarity[row];
  return Number.isNaN(value) ? null : value;
}

function joined(size: number, first: string, line: (row: number) => string): string[] {
  const parts = [first];
  for (let row = 0; row < size; row += ROWS_A_PART) {
    let part = '';
    for (let at = row; at < Math.min(size, row + ROWS_A_PART); at++) part += line(at) + '\n';
    parts.push(part);
  }
  return parts;
}

/** The parts of a CSV: the file's columns in their order and unchanged, then ours. */
export function toCsv(data: Dataset, results: Results): string[] {
  const own = ownColumns(data, results);
  const names = [...own.keys()];
  const delimiter = data.delimiter === ';' ? ';' : ',';
  const header = csvRecord([...data.columns, ...own.values()], delimiter);
  return joined(data.rows.length, `${data.mark ? '\ufeff' : ''}${header}\n`, row => {
    const cells = data.columns.map((_, column) => cell(data, row, column));
    for (const name of names) cells.push(String(ownValue(results, row, name) ?? ''));
    return csvRecord(cells, delimiter);
  });
}

/** The parts of JSON Lines: lines of JSON Lines as they were written, other rows as objects of strings. */
export function toJsonl(data: Dataset, results: Results): string[] {
  const own = [...ownColumns(data, results)];
  return joined(data.rows.length, '', row => {
    const added = Object.fromEntries(own.map(([name, as]) => ({ name, as, value: ownValue(results, row, name) }))
      .filter(({ name, value }) => value !== null || (!SELDOM.has(name) && results.state[row] !== FAILED))
      .map(({ as, value }) => [as, value]));
    return withMembers(baseLine(data, row), added);
  });
}

function baseLine(data: Dataset, row: number): string {
  if (data.kind !== 'jsonl') {
    // fromEntries keeps the last of two columns with the same name; a repeated name is made unique.
    const seen = new Map<string, number>();
    return JSON.stringify(Object.fromEntries(data.columns.map((name, column) => {
      const times = (seen.get(name) ?? 0) + 1;
      seen.set(name, times);
      return [times === 1 ? name : `${name}_${times}`, cell(data, row, column)];
    })));
  }
  const line = data.lines[row];
  // A line that is no object goes into one, as it was.
  return /^(invalid_json|not_an_object)/.test(data.faults.get(row) ?? '') ? JSON.stringify({ line }) : line;
}

/** `reviews.csv` becomes `reviews.valence.csv`. */
export function resultName(data: Dataset, ending: string): string {
  return `${data.name.replace(/(\.[a-z]+)?(\.gz)?$/i, '')}.valence.${ending}`;
}
