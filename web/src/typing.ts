// The answer that follows as one types.

import { analyze, ApiError } from './api';
import { clearAlert, showAlert } from './alerts';
import { AnswerView } from './answer';
import { Comparison } from './compare';
import { byId, h, replace, sleep } from './dom';
import { MOST_TO_EXPLAIN } from './explanation';
import { count, labelText, percent } from './format';
import { currentModel, loadedModels, modelsKnown, onModelsChanged, refreshModels } from './models';
import { langOf } from './routing';

const PAUSE = 50;                 // milliseconds without a key before the text is sent
// An explanation costs many times a plain answer, and the server may go on with one that nobody waits for any more: the
// slower it answers, the longer the typing must rest.
const LEAST_REST = 250;
const MOST_REST = 1500;
const REST_PER_ANSWER = 8;
const PAUSE_TO_SPEAK = 1000;
const EXAMPLES = [
  'The room was lovely, but the staff ignored us all week.',
  'I expected little and got the best coffee in town!',
  'The parcel arrived on Tuesday.',
];

const box = byId('text') as HTMLTextAreaElement;
let view: AnswerView;
let comparison: Comparison;
let running = new AbortController();
let pending = false;              // a plain answer is under way

export function startTyping() {
  const answer = h('div', { class: 'answer' });
  const others = h('div', { class: 'comparison' });
  view = new AnswerView(answer);
  comparison = new Comparison(others);
  byId('result').append(answer, others);
  replace(byId('examples'), h('span', { class: 'quiet' }, 'Try'), ...EXAMPLES.map(text =>
    h('button', { type: 'button', class: 'example', onclick: () => {
      box.value = text;
      changed();
      box.focus();
    } }, text)));
  box.addEventListener('input', changed);
  onModelsChanged(() => { if (box.value.trim() !== '' && !pending) changed(); });
}

function changed() {
  running.abort(new DOMException('outdated', 'AbortError'));
  running = new AbortController();
  const text = box.value;
  byId('text-length').textContent = text ? `${count([...text].length)} characters` : '';
  byId('examples').hidden = text !== '';
  pending = text.trim() !== '';
  if (!pending) {
    clear();
    return;
  }
  void follow(text, running.signal);
}

/** The language of the box, for the voices and fonts that go by it. */
function setLanguage(lang: string | undefined) {
  if (lang === undefined) box.removeAttribute('lang');
  else box.lang = lang;
}

function clear() {
  setLanguage(undefined);
  view.clear();
  comparison.clear();
  clearAlert('text');
  byId('spoken').textContent = '';
}

async function follow(text: string, signal: AbortSignal) {
  try {
    await sleep(PAUSE, signal);
    await answer(text, signal);
  } catch (error) {
    if (signal.aborted) return;
    const problem = error instanceof ApiError ? error : new ApiError('page', String(error));
    if (problem.status === 429 || problem.status === 503) {
      showAlert('text', 'The server is busy. The answer follows as soon as it has time.');
      await sleep(problem.retryAfter * 1000, signal).then(() => follow(text, signal), () => {});
      return;
    }
    pending = false;
    clear();
    showAlert('text', problem.message, { label: 'Try again', run: changed });
  }
}

async function answer(text: string, signal: AbortSignal) {
  const model = currentModel();
  const tasks = model?.tasks && model.tasks.length > 1 ? model.tasks.map(task => task.name) : undefined;
  const options = { model: model?.id, tasks, signal };
  const begin = performance.now();
  const result = await analyze(text, options);
  if (signal.aborted) return;
  const time = performance.now() - begin;
  clearAlert('text');
  view.show(text, result, model, time);
  setLanguage(langOf(result.language));
  pending = false;
  if (currentModel()?.id !== model?.id) return changed();     // told or chosen meanwhile
  if (!modelsKnown()) void refreshModels();       // the server was not there when the page was opened
  await Promise.all([
    text.length > MOST_TO_EXPLAIN
      ? view.offerWords(text, () => void explain(text, options, 0).catch(() => {}))
      : explain(text, options, Math.min(MOST_REST, Math.max(LEAST_REST, time * REST_PER_ANSWER))),
    comparison.show(text, { result, time, model }, loadedModels(), signal),
    speak(`${labelText(result.label)}, ${percent(result.score)}`, signal),
  ]);
}

async function explain(text: string, options: { model?: string; signal: AbortSignal }, rest: number) {
  await sleep(rest, options.signal);
  try {
    const { explanation } = await analyze(text, { model: options.model, signal: options.signal, explain: true });
    if (!options.signal.aborted) view.explain(text, explanation ?? []);
  } catch (error) {
    // The plain answer stands: a text may be too long to explain, a server or a model may have no explanations.
    if (!(error instanceof ApiError) || error.code === 'unreachable') throw error;
  }
}

/** For screen readers, once the typing rests. */
async function speak(text: string, signal: AbortSignal) {
  await sleep(PAUSE_TO_SPEAK, signal);
  byId('spoken').textContent = text;
}
