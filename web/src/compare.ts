// The other loaded models on the same text, side by side with the chosen one.

import { analyze, ApiError, type DocumentAnswer, type ModelInfo } from './api';
import { chip } from './answer';
import { h, replace } from './dom';
import { milliseconds, percent, signed } from './format';
import { verdict } from './labels';

interface Entry {
  model?: ModelInfo;
  result?: DocumentAnswer;
  time?: number;
  problem?: string;
}

const MOST_MODELS = 6;

export class Comparison {
  constructor(private readonly root: HTMLElement) {}

  clear() {
    replace(this.root);
  }

  async show(text: string, own: Entry, models: ModelInfo[], signal: AbortSignal) {
    const others = models.filter(model => model.id !== own.model?.id).slice(0, MOST_MODELS);
    if (others.length === 0) return this.clear();
    const entries: Entry[] = [own];
    for (const model of others) {
      // One after the other: side by side they would slow each other down, and the times would say nothing.
      entries.push(await this.ask(text, model, signal));
      if (signal.aborted) return;
      this.draw(entries, others.length + 1);
    }
  }

  private async ask(text: string, model: ModelInfo, signal: AbortSignal): Promise<Entry> {
    const begin = performance.now();
    try {
      const result = await analyze(text, { model: model.id, signal });
      return { model, result, time: performance.now() - begin };
    } catch (error) {
      if (signal.aborted || !(error instanceof ApiError) || error.code === 'unreachable') throw error;
      return { model, problem: error.message };
    }
  }

  private draw(entries: Entry[], expected: number) {
    replace(this.root,
      h('div', { class: 'card-head' }, h('h3', {}, 'Models side by side'),
        h('span', { class: 'quiet' }, entries.length === expected ? agreement(entries) : '')),
      h('div', { class: 'scroll-x', tabindex: 0, role: 'group', 'aria-label': 'Models side by side' },
        h('table', { class: 'small-table' },
          h('thead', {}, h('tr', {}, ...['Model', 'Label', 'Score', 'Polarity', 'Time'].map(name =>
            h('th', { scope: 'col', class: /Score|Polarity|Time/.test(name) ? 'number' : '' }, name)))),
          h('tbody', {}, ...entries.map(line)))));
  }
}

function line({ model, result, time, problem }: Entry): HTMLElement {
  const name = h('th', { scope: 'row' }, model?.id ?? 'default');
  if (!result) return h('tr', {}, name, h('td', { colspan: 4, class: 'quiet' }, problem ?? ''));
  return h('tr', {}, name,
    h('td', {}, chip(result.label, model?.labels ?? Object.keys(result.scores))),
    h('td', { class: 'number' }, percent(result.score)),
    h('td', { class: 'number' }, typeof result.polarity === 'number' ? signed(result.polarity) : '–'),
    h('td', { class: 'number' }, milliseconds(time ?? 0)));
}

/** `all agree: positive`, or how many share the most frequent verdict. */
function agreement(entries: Entry[]): string {
  const counts = new Map<string, number>();
  for (const { result } of entries) {
    const name = result && verdict(result.label, result.polarity);
    if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const known = [...counts.values()].reduce((a, b) => a + b, 0);
  if (known < 2) return '';
  const [name, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
  return most === known ? `all agree: ${name}` : most === 1 ? 'each says something else'
    : `${most} of ${known} say ${name}`;
}
