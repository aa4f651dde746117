// One row of a file in full, with the words that moved its answer.

import { analyze, ApiError } from './api';
import { AnswerView } from './answer';
import { cell, columnName, type Dataset } from './dataset';
import { h, replace } from './dom';
import { count } from './format';
import { currentModel } from './models';
import type { Results } from './results';

export function showRow(data: Dataset, results: Results, row: number, textColumn: number) {
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
  else void explain(text, result, stop.signal);
}

async function explain(text: string, root: HTMLElement, signal: AbortSignal) {
  const view = new AnswerView(root);
  const model = currentModel();
  try {
    view.show(text, await analyze(text, { model: model?.id, signal }), model);
    const { explanation } = await analyze(text, { model: model?.id, explain: true, signal });
    view.explain(text, explanation ?? []);
  } catch (error) {
    if (signal.aborted) return;
    if (root.childElementCount > 0 && error instanceof ApiError && error.code !== 'unreachable') return;
    replace(root, h('p', { class: 'problem' }, error instanceof ApiError ? error.message : 'This row cannot be explained.'),
      h('p', { class: 'marked', dir: 'auto' }, text));
  }
}
