// What the server said about each row, in columns of numbers: 200,000 rows take a few megabytes.

import type { DocumentAnswer } from './api';

export const WAITING = 0;
export const DONE = 1;
export const FAILED = 2;

export class Results {
  readonly state: Uint8Array;
  readonly label: Int16Array;           // index into `labels`, -1 without an answer
  readonly score: Float64Array;
  readonly polarity: Float64Array;      // NaN where the labels say nothing about it
  readonly language: Int16Array;        // index into `languages`, -1 when none was told
  readonly route: Int16Array;           // index into `routes`, likewise
  readonly labels: string[] = [];
  readonly languages: string[] = [];
  readonly routes: string[] = [];
  readonly translations = new Map<number, string>();
  readonly errors = new Map<number, string>();
  readonly answered: number[] = [];     // rows in the order in which their answers came
  hasPolarity = false;
  private readonly labelIndex = new Map<string, number>();
  private readonly languageIndex = new Map<string, number>();
  private readonly routeIndex = new Map<string, number>();

  constructor(readonly size: number, labels: string[] = []) {
    this.state = new Uint8Array(size);
    this.label = new Int16Array(size).fill(-1);
    this.score = new Float64Array(size).fill(NaN);
    this.polarity = new Float64Array(size).fill(NaN);
    this.language = new Int16Array(size).fill(-1);
    this.route = new Int16Array(size).fill(-1);
    for (const label of labels) this.indexOf(this.labelIndex, this.labels, label);
  }

  get done(): number {
    return this.answered.length;
  }

  get failed(): number {
    return this.errors.size;
  }

  get settled(): number {
    return this.done + this.failed;
  }

  /** The first answer of a row counts; a row that is sent again after a lost connection may get a second one. */
  answer(row: number, document: DocumentAnswer) {
    if (this.state[row] !== WAITING) return;
    this.state[row] = DONE;
    this.label[row] = this.indexOf(this.labelIndex, this.labels, document.label);
    this.score[row] = document.score;
    if (typeof document.polarity === 'number') {
      this.polarity[row] = document.polarity;
      this.hasPolarity = true;
    }
    if (document.language) this.language[row] = this.indexOf(this.languageIndex, this.languages, document.language);
    if (document.route) this.route[row] = this.indexOf(this.routeIndex, this.routes, document.route);
    if (document.translation) this.translations.set(row, document.translation);
    this.answered.push(row);
  }

  fail(row: number, reason: string) {
    if (this.state[row] !== WAITING) return;
    this.state[row] = FAILED;
    this.errors.set(row, reason);
  }

  labelOf(row: number): string {
    return this.label[row] < 0 ? '' : this.labels[this.label[row]];
  }

  languageOf(row: number): string {
    return this.language[row] < 0 ? '' : this.languages[this.language[row]];
  }

  routeOf(row: number): string {
    return this.route[row] < 0 ? '' : this.routes[this.route[row]];
  }

  private indexOf(index: Map<string, number>, names: string[], name: string): number {
    let at = index.get(name);
    if (at === undefined) {
      at = names.length;
      names.push(name);
      index.set(name, at);
    }
    return at;
  }
}
