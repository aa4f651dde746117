// Sends the rows of a file to the server in requests of a few thousand and keeps the answers as they come.

import { ApiError, errorOf, request, type DocumentAnswer, type DocumentError } from './api';
import { cell, rowFault, type Dataset } from './dataset';
import { sleep } from './dom';
import { LineSplitter } from './jsonl';
import { WAITING, type Results } from './results';

const REQUESTS_AT_ONCE = 2;
const FIRST_ROWS = 64;                  // a small first request: something is seen at once
const FEWEST_ROWS = 32;
// Requests that take so long keep the server busy, and leave it little to do for rows that nobody waits for any more
// when the run is cancelled or the tab is closed. What is typed meanwhile does not wait for long either.
const AIM = 800;                        // milliseconds
const MOST_ROWS = 4000;
// Browsers read no answer before the request is sent, and the server takes no more of a request while its answers
// pile up. What both sides hold in between must take a whole request with its answers.
const MOST_CHARACTERS = 300_000;
const MOST_ANSWER_BYTES = 600_000;
const LONGEST_TEXT = 300_000;           // characters; the server takes lines of 2 MB
const STALLED_AFTER = 180_000;          // milliseconds without a byte: the connection is taken for lost

// The server had no time for these rows: they are sent again.
const FOR_NOW = new Set(['late', 'overloaded', 'draining']);

export type JobState = 'running' | 'done' | 'cancelled' | 'lost';

export class Job {
  state: JobState = 'done';
  busy = false;                         // the server asked us to wait
  problem: ApiError | null = null;
  private settledBefore = 0;            // this run
  private cursor = 0;
  private returned: number[] = [];
  private chunk = FIRST_ROWS;
  private readonly mostRows: number;
  private stop = new AbortController();

  constructor(
    readonly data: Dataset, readonly textColumn: number, readonly results: Results, private readonly model?: string) {
    const answerBytes = 160 + 45 * results.labels.length;
    this.mostRows = Math.min(MOST_ROWS, Math.floor(MOST_ANSWER_BYTES / answerBytes));
  }

  /** Goes on with the rows that have no answer yet; ends when all have one, or with the state `lost`. */
  async run(): Promise<JobState> {
    this.state = 'running';
    this.problem = null;
    this.settledBefore = this.results.settled;
    this.cursor = 0;
    this.returned = [];
    this.chunk = FIRST_ROWS;
    this.stop = new AbortController();
    await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, () => this.work()));
    this.busy = false;
    if (this.problem) this.state = 'lost';
    else if (this.stop.signal.aborted) this.state = 'cancelled';
    else this.state = 'done';
    return this.state;
  }

  cancel() {
    this.stop.abort(new DOMException('cancelled', 'AbortError'));
  }

  private async work() {
    const signal = this.stop.signal;
    for (let rows = this.take(); rows.length > 0 && !signal.aborted; rows = this.take()) {
      try {
        const begin = performance.now();
        await this.send(rows);
        this.busy = false;
        this.resize(rows.length, performance.now() - begin);
      } catch (error) {
        this.returned.push(...rows.filter(row => this.results.state[row] === WAITING));
        if (signal.aborted || !await this.recovers(error, rows)) return;
      }
    }
  }

  private resize(rows: number, took: number) {
    if (rows < this.chunk / 2) return;      // the last rows of a file, or long texts
    const wanted = Math.round(rows * Math.min(3, AIM / Math.max(1, took)));
    this.chunk = Math.max(FEWEST_ROWS, Math.min(this.mostRows, wanted));
  }

  /** Whether this worker can go on after an error; if not, the job stops with `problem`. */
  private async recovers(error: unknown, rows: number[]): Promise<boolean> {
    const problem = error instanceof ApiError ? error : new ApiError('unreachable', String(error));
    if (problem.status === 429 || problem.status === 503) {
      this.busy = true;
      if (problem.code === 'late') this.chunk = Math.max(10, Math.ceil(this.chunk / 4));
      return sleep(problem.retryAfter * 1000, this.stop.signal).then(() => true, () => false);
    }
    if (problem.status === 413 && rows.length > 1) {
      this.chunk = Math.ceil(rows.length / 4);
      return true;
    }
    if (problem.status === 413) {
      this.returned = this.returned.filter(row => row !== rows[0]);
      this.results.fail(rows[0], `too_long: ${problem.message}`);
      return true;
    }
    // Where one request breaks off the other may find no server: that is the same loss.
    const broken = problem.code === 'unreachable' && this.results.settled > this.settledBefore;
    this.problem = broken ? lost() : problem;
    this.cancel();
    return false;
  }

  private take(): number[] {
    const rows: number[] = [];
    let characters = 0;
    while (rows.length < this.chunk && characters < MOST_CHARACTERS) {
      const row = this.returned.pop() ?? this.nextRow();
      if (row < 0) break;
      characters += cell(this.data, row, this.textColumn).length;
      if (rows.length > 0 && characters > MOST_CHARACTERS) {
        this.returned.push(row);
        break;
      }
      rows.push(row);
    }
    return rows;
  }

  private nextRow(): number {
    for (; this.cursor < this.results.size; this.cursor++) {
      if (this.results.state[this.cursor] !== WAITING) continue;
      const fault = rowFault(this.data, this.cursor, this.textColumn) || this.tooLong(this.cursor);
      if (!fault) return this.cursor++;
      this.results.fail(this.cursor, fault);
    }
    return -1;
  }

  private tooLong(row: number): string {
    const { length } = cell(this.data, row, this.textColumn);
    return length > LONGEST_TEXT ? `too_long: the text has ${length} characters, at most ${LONGEST_TEXT} are sent` : '';
  }

  private body(rows: number[]): { body: string; type: string } {
    const documents = rows.map(row => ({ id: String(row), text: cell(this.data, row, this.textColumn) }));
    if (this.model === undefined) {
      return { body: documents.map(document => JSON.stringify(document) + '\n').join(''), type: 'application/x-ndjson' };
    }
    // Lines have no place for the name of another model than the default one.
    return { body: JSON.stringify({ documents, model: this.model }), type: 'application/json' };
  }

  private async send(rows: number[]) {
    const { body, type } = this.body(rows);
    const stalled = new AbortController();
    const signal = AbortSignal.any([this.stop.signal, stalled.signal]);
    let timer = 0;
    const alive = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => stalled.abort(), STALLED_AFTER);
    };
    alive();
    let refused: ApiError | null = null;
    try {
      const response = await request('./v1/analyze/stream', {
        method: 'POST', body, headers: { 'Content-Type': type, Accept: 'application/x-ndjson' }, signal,
      });
      if (!response.ok) throw await errorOf(response);
      refused = await this.receive(response, new Set(rows), alive);
    } catch (error) {
      if (error instanceof ApiError || this.stop.signal.aborted) throw error;
      throw lost();
    } finally {
      clearTimeout(timer);
    }
    if (refused) throw refused;
    if (rows.some(row => this.results.state[row] === WAITING)) throw lost();
  }

  /** Returns the refusal if the server had no time for some of the rows. */
  private async receive(response: Response, sent: Set<number>, alive: () => void): Promise<ApiError | null> {
    const decoder = new TextDecoder();
    let refused: ApiError | null = null;
    const lines = new LineSplitter(line => { refused = this.record(line, sent) ?? refused; });
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      alive();
      lines.push(decoder.decode(value, { stream: true }));
    }
    lines.end();
    return refused;
  }

  private record(line: string, sent: Set<number>): ApiError | null {
    let answer: DocumentAnswer & { error?: DocumentError };
    try {
      answer = JSON.parse(line);
    } catch {
      throw lost();       // a line that breaks off
    }
    const error = answer.error;
    // Without an id it is about the request as a whole.
    if (typeof answer.id !== 'string' && error) throw new ApiError(error.code, error.message, 200);
    const row = Number(answer.id);
    if (!sent.has(row)) return null;
    if (error && FOR_NOW.has(error.code)) return new ApiError(error.code, error.message, 503);
    if (error) this.results.fail(row, `${error.code}: ${error.message}`);
    else this.results.answer(row, answer);
    return null;
  }
}

function lost(): ApiError {
  return new ApiError('unreachable', 'The connection to the server was lost.');
}

/** Rows a second over the last ten seconds. */
export class Pace {
  private samples: [number, number][] = [];

  add(settled: number, now = performance.now()) {
    this.samples.push([now, settled]);
    while (this.samples.length > 2 && now - this.samples[0][0] > 10_000) this.samples.shift();
  }

  get rate(): number {
    const [first, last] = [this.samples[0], this.samples[this.samples.length - 1]];
    return first && last[0] > first[0] ? (last[1] - first[1]) / (last[0] - first[0]) * 1000 : 0;
  }
}
