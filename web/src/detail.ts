// One row of a file in full, with the words that moved its answer.

import { analyze, ApiError, type ModelInfo } from './api';
import { AnswerView } from './answer';
import { cell, columnName, type Dataset } from './dataset';
import { h, replace } from './dom';
import { count } from './format';
import type { Results } from './results';
import { MOST_TO_EXPLAIN } from './explanation';

/** `model` is the one that answered the file. */
export function showRow(data: Dataset, results: Results, row: number, textColumn: number, model?: ModelInfo) {
  const stop = new AbortController();
  const result = h('div', { class: 'answer' });
  const others = data.columns.map((_, column) => column).filter(column => column !== textColumn);
  const text = cell(data, row, textColumn);
  const dialog = h('dialog', { class: 'row-dialog', 'aria-labelledby': 'row-title' },
    h('div', { class: 'card-head' }, h('h2', { id: 'row-title' }, `Row ${count(row + 1)}`),
      h('button', { type: 'button', onclick: () => dialog.close() }, 'Close')),
    result,
    others.length > 0 && h('dl', { class: 'fields' }, ...others.slice(0, 100).flatMap(column =>
      [h('dt', {}, columnName(data, column)), h('dd', { dir: 'auto' }, cell(data, row, column))])));
  // A click on the backdrop meets the dialog itself, one inside meets something in it.
  dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener('close', () => {
    stop.abort(new DOMException('closed', 'AbortError'));
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  const reason = results.errors.get(row);
  if (reason) replace(result, h('p', { class: 'problem' }, reason), h('p', { class: 'marked', dir: 'auto' }, text));
  else void answer(text, result, stop.signal, model);
}

async function answer(text: string, root: HTMLElement, signal: AbortSignal, model?: ModelInfo) {
  const view = new AnswerView(root);
  const explain = async () => {
    try {
      const { explanation } = await analyze(text, { model: model?.id, explain: true, signal });
      view.explain(text, explanation ?? []);
    } catch {
      // The plain answer stands.
    }
  };
  try {
    view.show(text, await analyze(text, { model: model?.id, signal }), model);
  } catch (error) {
    if (signal.aborted) return;
    const message = error instanceof ApiError ? error.message : 'This row cannot be explained.';
    return replace(root, h('p', { class: 'problem' }, message), h('p', { class: 'marked', dir: 'auto' }, text));
  }
  if (text.length <= MOST_TO_EXPLAIN) await explain();
  else view.offerWords(text, () => void explain());
}
