// Figures over the answered rows. Everything is one pass over columns of numbers, so it is done anew at each look.

import type { Category, DateColumn } from './dataset';
import { stepFor, stepStart, type Step } from './dates';
import { DONE, type Results } from './results';

/** Mean with the half width of its 95% interval (normal approximation; 0 for a single value). */
export interface Mean {
  count: number;
  mean: number;
  half: number;
}

export interface Group extends Mean {
  value: string;
  classes: number[];      // rows of each label
}

export interface Point extends Mean {
  start: number;          // first day of the step
}

class Sums {
  count = 0;              // rows with a polarity
  private sum = 0;
  private squares = 0;

  add(value: number) {
    if (Number.isNaN(value)) return;
    this.count++;
    this.sum += value;
    this.squares += value * value;
  }

  get mean(): Mean {
    const mean = this.count > 0 ? this.sum / this.count : NaN;
    const variance = this.count > 1 ? Math.max(0, this.squares - this.count * mean * mean) / (this.count - 1) : 0;
    return { count: this.count, mean, half: 1.96 * Math.sqrt(variance / Math.max(1, this.count)) };
  }
}

export function classCounts(results: Results): number[] {
  const counts = results.labels.map(() => 0);
  for (let row = 0; row < results.size; row++) if (results.state[row] === DONE) counts[results.label[row]]++;
  return counts;
}

export function meanPolarity(results: Results): Mean {
  const sums = new Sums();
  for (let row = 0; row < results.size; row++) sums.add(results.polarity[row]);
  return sums.mean;
}

/** How many rows have a polarity in each of `size` equal parts of -1 to 1. */
export function polarityBins(results: Results, size: number): number[] {
  const bins = new Array<number>(size).fill(0);
  for (const value of results.polarity) {
    if (!Number.isNaN(value)) bins[Math.max(0, Math.min(size - 1, Math.floor((value + 1) / 2 * size)))]++;
  }
  return bins;
}

/** Rows of each value of a category: numbers in their order, else the most frequent first. */
export function groups(results: Results, category: Category): Group[] {
  const sums = category.values.map(() => new Sums());
  const classes = category.values.map(() => results.labels.map(() => 0));
  for (let row = 0; row < results.size; row++) {
    if (results.state[row] !== DONE || category.codes[row] < 0) continue;
    sums[category.codes[row]].add(results.polarity[row]);
    classes[category.codes[row]][results.label[row]]++;
  }
  const all = category.values.map((value, code) => ({
    value, ...sums[code].mean, classes: classes[code], count: classes[code].reduce((a, b) => a + b, 0),
  })).filter(group => group.count > 0);
  const numeric = all.every(group => group.value !== '' && Number.isFinite(Number(group.value)));
  return all.sort(numeric ? (a, b) => Number(a.value) - Number(b.value) : (a, b) => b.count - a.count);
}

/** Rows of each of `languages`. */
export function languageCounts(results: Results): number[] {
  const counts = results.languages.map(() => 0);
  for (const language of results.language) if (language >= 0) counts[language]++;
  return counts;
}

/** The language of the results as a category like any column. */
export function languageCategory(results: Results): Category {
  return { column: -1, name: 'language', values: results.languages, codes: Int32Array.from(results.language) };
}

export function overTime(results: Results, dates: DateColumn): { step: Step; points: Point[] } {
  let [first, last] = [Infinity, -Infinity];
  for (const day of dates.days) {
    if (day < first) first = day;
    if (day > last) last = day;
  }
  const step = stepFor(last - first);
  const sums = new Map<number, Sums>();
  for (let row = 0; row < results.size; row++) {
    if (Number.isNaN(results.polarity[row]) || Number.isNaN(dates.days[row])) continue;
    const start = stepStart(dates.days[row], step);
    let bucket = sums.get(start);
    if (!bucket) sums.set(start, bucket = new Sums());
    bucket.add(results.polarity[row]);
  }
  const points = [...sums].sort((a, b) => a[0] - b[0]).map(([start, bucket]) => ({ start, ...bucket.mean }));
  return { step, points };
}

/** The rows with the largest (direction 1) or smallest (-1) polarity; an earlier row wins among equals. */
export function extremes(results: Results, direction: 1 | -1, most: number): number[] {
  const best: number[] = [];
  for (let row = 0; row < results.size; row++) {
    const value = results.polarity[row] * direction;
    if (!(value > 0)) continue;
    const full = best.length === most;
    if (full && value <= results.polarity[best[most - 1]] * direction) continue;
    let at = full ? most - 1 : best.length;
    while (at > 0 && results.polarity[best[at - 1]] * direction < value) at--;
    best.splice(at, 0, row);
    if (best.length > most) best.pop();
  }
  return best;
}
