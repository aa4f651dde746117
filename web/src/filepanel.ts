// A file from the choice to the download: reading, preview, progress, and going on after the server was away.

import { clearAlert, showAlert } from './alerts';
import { request } from './api';
import { Dashboard } from './dashboard';
import { cell, columnName, guessTextColumn, type Dataset } from './dataset';
import { append, byId, h, offer, replace, setStyle, sleep } from './dom';
import { toCsv, toJsonl, resultName } from './export';
import { bytes, count, duration, plural } from './format';
import { Job, Pace, type JobState } from './job';
import { currentModel, modelForFile } from './models';
import { FileError, readFile } from './reader';
import { Results } from './results';

const PREVIEW_ROWS = 5;
const LEAST_PAUSE = 250;            // milliseconds between two drawings of the figures
// Figures of a few rows that change at once only flicker: what is soon complete is drawn when it is.
const FIRST_PAUSE = 700;
const FEW_ROWS = 200;
const FIRST_PAUSE_SMALL = 4000;     // for files of few rows
const PROBE_PAUSES = [2, 4, 8, 15, 30];     // seconds; the last one is repeated

const input = h('input', {
  type: 'file', hidden: true, tabindex: -1, 'aria-label': 'File to analyze',
  accept: '.csv,.tsv,.tab,.jsonl,.ndjson,.txt,.gz,text/csv,text/tab-separated-values,text/plain,application/x-ndjson',
});
const actions = h('div', { class: 'buttons' });
const settings = h('div', { class: 'settings' });
const progress = h('div', { class: 'progress-box' });
const below = h('div', {});
const choose = h('button', { type: 'button', onclick: () => input.click() }, 'Choose file');

let data: Dataset | null = null;
let textColumn = 0;
let job: Job | null = null;
let dashboard: Dashboard | null = null;
let reading = 0;                    // counts files: an older one that is still being read is dropped
let probing = new AbortController();

export function startFilePanel() {
  // Closing the tab in the middle loses what was done.
  window.addEventListener('beforeunload', event => { if (job?.state === 'running') event.preventDefault(); });
  input.addEventListener('change', () => {
    if (input.files?.[0]) void takeFile(input.files[0]);
    input.value = '';               // the same file may be chosen again
  });
  append(byId('file-panel'), h('div', { class: 'toolbar' }, choose, actions, settings), input, progress, below);
  replace(below, hint());
}

function hint(): HTMLElement {
  return h('p', { class: 'hint' }, 'CSV, TSV, JSON Lines or plain lines: choose a file, or drop it anywhere on this page.');
}

function reset() {
  probing.abort(new DOMException('another file', 'AbortError'));
  job?.cancel();
  dashboard?.close();
  [job, dashboard, data] = [null, null, null];
  for (const part of [actions, settings, progress, below]) replace(part);
  clearAlert('file');
  clearAlert('run');
  byId('file-name').textContent = '';
}

export async function takeFile(file: File) {
  reset();
  const turn = ++reading;
  byId('file-name').textContent = `${file.name}, ${bytes(file.size)}`;
  const meter = progressMeter('Reading');
  replace(progress, meter.root);
  try {
    const read = await readFile(file, share => { if (turn === reading) meter.set(share, 'Reading the file'); });
    if (turn !== reading) return;
    data = read;
  } catch (error) {
    if (turn !== reading) return;
    reset();
    replace(below, hint());
    showAlert('file', error instanceof FileError ? error.message : `${file.name} cannot be read.`);
    return;
  }
  textColumn = guessTextColumn(data);
  replace(progress);
  byId('file-name').textContent = `${file.name}, ${bytes(file.size)}, ${plural(data.rows.length, 'row')}`;
  wait(data);
}

/** The file waits for the button: the user sees first what would be read. */
function wait(waiting: Dataset) {
  probing.abort(new DOMException('changed', 'AbortError'));
  job?.cancel();
  dashboard?.close();
  [job, dashboard] = [null, null];
  clearAlert('run');
  const start = h('button', { type: 'button', class: 'primary', onclick: () => begin(waiting) }, 'Analyze');
  replace(actions, start);
  replace(settings, columnChoice(waiting));
  replace(progress);
  replace(below, waiting.note && h('p', { class: 'problem' }, waiting.note), preview(waiting));
  if (document.activeElement === document.body || document.activeElement === choose) start.focus({ preventScroll: true });
}

function columnChoice(waiting: Dataset): HTMLElement | null {
  if (waiting.columns.length < 2) return null;
  const select = h('select', { id: 'text-column', onchange: () => {
    textColumn = Number(select.value);
    wait(waiting);
    byId('text-column').focus();
  } }, ...waiting.columns.map((_, column) =>
    h('option', { value: column, selected: column === textColumn }, columnName(waiting, column))));
  return h('span', { class: 'field' }, h('label', { for: 'text-column' }, 'Text column'), select);
}

function preview(waiting: Dataset): HTMLElement {
  const columns = waiting.columns.map((_, column) => column).slice(0, 30);
  const mark = (column: number) => (column === textColumn ? 'chosen' : '');
  return h('div', { class: 'scroll-x', tabindex: 0, role: 'group', 'aria-label': 'Preview' },
    h('table', { class: 'small-table preview', 'aria-label': 'Preview' },
      h('thead', {}, h('tr', {}, ...columns.map(column =>
        h('th', { scope: 'col', class: mark(column) }, columnName(waiting, column))))),
      h('tbody', {}, ...waiting.rows.slice(0, PREVIEW_ROWS).map((_, row) => h('tr', {}, ...columns.map(column =>
        h('td', { class: mark(column), dir: 'auto' }, cell(waiting, row, column).slice(0, 160))))))));
}

function begin(waiting: Dataset) {
  const results = new Results(waiting.rows.length, currentModel()?.labels);
  job = new Job(waiting, textColumn, results, modelForFile());
  dashboard?.close();
  dashboard = new Dashboard(byId('dashboard'), waiting, results, textColumn, currentModel());
  replace(below, waiting.note && h('p', { class: 'problem' }, waiting.note));
  byId('file').scrollIntoView({ block: 'start' });
  void follow(job, dashboard);
}

async function follow(current: Job, view: Dashboard) {
  probing.abort(new DOMException('running', 'AbortError'));
  clearAlert('run');
  const cancel = h('button', { type: 'button', onclick: () => current.cancel() }, 'Cancel');
  const focused = actions.contains(document.activeElement);
  replace(actions, cancel);
  enableSettings(false);
  if (focused) cancel.focus();
  const meter = progressMeter('Analyzing');
  replace(progress, meter.root);
  const pace = new Pace();
  const started = performance.now();
  const timer = setInterval(() => {
    pace.add(current.results.settled);
    const share = current.results.settled / current.results.size;
    meter.set(share, progressText(current, pace));
    document.title = `${Math.floor(share * 100)}% · Valence`;
  }, LEAST_PAUSE);
  const figures = keepDrawing(current, view);
  const state = await current.run();
  clearInterval(timer);
  document.title = 'Valence';
  figures.abort();
  if (job !== current) return;
  view.refresh();
  finish(current, view, state, (performance.now() - started) / 1000);
}

/** Draws the figures as results come in, and never for more than an eighth of the time. */
function keepDrawing(current: Job, view: Dashboard): AbortController {
  const stop = new AbortController();
  void (async () => {
    let drawn = -1;
    const small = current.results.size <= FEW_ROWS;
    await sleep(current.results.settled > 0 ? 0 : small ? FIRST_PAUSE_SMALL : FIRST_PAUSE, stop.signal);
    while (!stop.signal.aborted) {
      const cost = drawn === current.results.settled ? 0 : view.refresh();
      drawn = current.results.settled;
      await sleep(Math.max(LEAST_PAUSE, cost * 7), stop.signal);
    }
  })().catch(() => {});
  return stop;
}

function progressText(current: Job, pace: Pace): string {
  const { settled, size } = current.results;
  if (current.busy) return `${count(settled)} of ${count(size)} rows · the server is busy, waiting`;
  const rate = pace.rate;
  const left = rate > 0 ? ` · ${count(Math.round(rate))} rows/s · ${duration((size - settled) / rate)} left` : '';
  return `${count(settled)} of ${count(size)} rows${left}`;
}

function enableSettings(on: boolean) {
  settings.querySelectorAll('select').forEach(select => { select.disabled = !on; });
}

function finish(current: Job, view: Dashboard, state: JobState, seconds: number) {
  const { results } = current;
  const again = h('button', { type: 'button', class: 'primary', onclick: () => void follow(current, view) },
    state === 'cancelled' ? 'Go on' : 'Try again');
  const download = (ending: 'csv' | 'jsonl', make: typeof toCsv, type: string) => h('button', {
    type: 'button', class: state === 'done' && ending === 'csv' ? 'primary' : '',
    onclick: () => offer(resultName(current.data, ending), make(current.data, results), type),
  }, `Download ${ending.toUpperCase()}`);
  enableSettings(true);
  const focused = actions.contains(document.activeElement);
  replace(actions, state !== 'done' && again, download('csv', toCsv, 'text/csv;charset=utf-8'),
    download('jsonl', toJsonl, 'application/x-ndjson'));
  if (focused) actions.querySelector('button')?.focus({ preventScroll: true });
  const failed = results.failed > 0 ? ` ${plural(results.failed, 'row')} could not be answered; the table says why.` : '';
  const text = state === 'done'
    ? `${plural(results.size, 'row')} in ${duration(seconds)}.${failed}`
    : `${count(results.settled)} of ${count(results.size)} rows have an answer.${failed}`;
  replace(progress, h('p', { role: 'status', class: 'done' }, text));
  if (state === 'lost') tellLost(current, view);
}

function tellLost(current: Job, view: Dashboard) {
  const { results, problem } = current;
  const kept = `${count(results.settled)} of ${count(results.size)} rows have their answer and are kept.`;
  const unreachable = problem?.code === 'unreachable';
  showAlert('run', `${problem?.message ?? 'The server stopped answering.'} ${kept}` +
    (unreachable ? ' The page goes on by itself when the server is back.' : ''));
  if (unreachable) void probe(current, view);
}

/** Asks from time to time whether the server is back, and goes on with the missing rows when it is. */
async function probe(current: Job, view: Dashboard) {
  probing = new AbortController();
  const { signal } = probing;
  for (let turn = 0; ; turn++) {
    try {
      await sleep(PROBE_PAUSES[Math.min(turn, PROBE_PAUSES.length - 1)] * 1000, signal);
      const response = await request('./health', { signal });
      if (signal.aborted) return;
      if (response.ok && job === current) return void follow(current, view);
    } catch {
      if (signal.aborted) return;
    }
  }
}

function progressMeter(name: string) {
  const fill = h('span', { class: 'meter-fill' });
  const bar = h('div', {
    class: 'meter', role: 'progressbar', 'aria-label': name, 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': 0,
  }, fill);
  const words = h('p', { class: 'quiet' });
  return {
    root: h('div', {}, bar, words),
    set(share: number, text: string) {
      setStyle(fill, 'width', `${share * 100}%`);
      bar.setAttribute('aria-valuenow', String(Math.floor(share * 100)));
      bar.setAttribute('aria-valuetext', text);
      words.textContent = text;
    },
  };
}
