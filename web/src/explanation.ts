// The words that moved an answer, on the original characters.

import type { Weight } from './api';
import { h } from './dom';
import { signed } from './format';

// Words are compared with the strongest one of the text; only below LEAST does none count.
const LEAST = 0.0005;
const LEAST_SHARE = 0.3;
const MOST_LISTED = 5;
/** Characters; the cost grows with their square, so the words of longer texts are marked on demand. */
export const MOST_TO_EXPLAIN = 600;

function strongest(weights: Weight[]): number {
  return weights.reduce((most, word) => Math.max(most, Math.abs(word.weight)), 0);
}

function counts(weights: Weight[]): Weight[] {
  const least = Math.max(LEAST, strongest(weights) * LEAST_SHARE);
  return weights.filter(word => Math.abs(word.weight) >= least);
}

/** In points of a hundred: the word's share of the score. */
function points(weight: number): string {
  return signed(weight * 100, Math.abs(weight) < 0.1 ? 1 : 0);
}

function clean(text: string, weights: Weight[]): Weight[] {
  const sorted = counts(weights).filter(word => word.begin >= 0 && word.end > word.begin && word.end <= text.length)
      .sort((a, b) => a.begin - b.begin);
  let end = 0;
  return sorted.filter(word => {
    if (word.begin < end) return false;
    end = word.end;
    return true;
  });
}

/** Solid lines support the label, dotted lines speak against it; thicker means more. `lang` is the text's, if known. */
export function markedText(text: string, weights: Weight[], lang?: string): HTMLElement {
  const paragraph = h('p', { class: 'marked', dir: 'auto', lang, tabindex: 0, 'aria-label': 'The text, words marked' });
  const most = strongest(weights);
  let at = 0;
  for (const { begin, end, weight } of clean(text, weights)) {
    const strength = Math.abs(weight) > most * 0.7 ? 3 : Math.abs(weight) > most * 0.35 ? 2 : 1;
    const kind = weight > 0 ? 'supports' : 'against';
    paragraph.append(text.slice(at, begin), h('mark', {
      class: `${kind} strength-${strength}`, title: `${kind === 'supports' ? 'supports' : 'speaks against'} the label: ${points(weight)} points`,
    }, text.slice(begin, end)));
    at = end;
  }
  paragraph.append(text.slice(at));
  // Long texts scroll inside; short ones need no stop of the tab key.
  queueMicrotask(() => {
    if (paragraph.scrollHeight <= paragraph.clientHeight + 1) {
      paragraph.removeAttribute('tabindex');
      paragraph.removeAttribute('aria-label');
    } else {
      paragraph.setAttribute('role', 'group');
    }
  });
  return paragraph;
}

function list(kind: 'supports' | 'against', title: string, words: Weight[], lang?: string): HTMLElement | null {
  if (words.length === 0) return null;
  return h('p', { class: 'word-list' }, h('mark', { class: `${kind} strength-2` }, title), ' ',
    ...words.slice(0, MOST_LISTED).flatMap(word => [
      h('bdi', { lang }, word.text), h('span', { class: 'quiet' }, ` ${points(word.weight)} `)]));
}

/** The legend of the lines, and the same in words. */
export function wordList(weights: Weight[], lang?: string): HTMLElement {
  const strong = counts(weights).sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  if (strong.length === 0) return h('p', { class: 'quiet' }, 'No single word decides this answer.');
  return h('div', { class: 'legend' },
    list('supports', 'supports', strong.filter(word => word.weight > 0), lang),
    list('against', 'speaks against', strong.filter(word => word.weight < 0), lang),
    h('p', { class: 'quiet word-list' }, 'Points of the score that go with the word.'));
}

/** While a text is being typed, the marks of its unchanged beginning stay until the new ones are there. */
export function keptWeights(before: string, now: string, weights: Weight[]): Weight[] {
  let same = 0;
  while (same < before.length && same < now.length && before[same] === now[same]) same++;
  return weights.filter(word => word.end <= same);
}
