// The words that moved an answer, on the original characters.

import type { Weight } from './api';
import { h } from './dom';
import { signed } from './format';

const LEAST = 0.02;         // a smaller change of the score is not worth a line
const MOST_LISTED = 5;

function clean(text: string, weights: Weight[]): Weight[] {
  const sorted = weights.filter(word => Math.abs(word.weight) >= LEAST && word.begin >= 0 &&
    word.end > word.begin && word.end <= text.length).sort((a, b) => a.begin - b.begin);
  let end = 0;
  return sorted.filter(word => {
    if (word.begin < end) return false;
    end = word.end;
    return true;
  });
}

/** Solid lines support the label, dotted lines speak against it; thicker means more. */
export function markedText(text: string, weights: Weight[]): HTMLElement {
  const paragraph = h('p', { class: 'marked', dir: 'auto', tabindex: 0, 'aria-label': 'The text, words marked' });
  let at = 0;
  for (const { begin, end, weight } of clean(text, weights)) {
    const strength = Math.abs(weight) > 0.25 ? 3 : Math.abs(weight) > 0.08 ? 2 : 1;
    const kind = weight > 0 ? 'supports' : 'against';
    paragraph.append(text.slice(at, begin), h('mark', {
      class: `${kind} strength-${strength}`, title: `${kind === 'supports' ? 'supports' : 'speaks against'} the label, ${signed(weight)}`,
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

function list(kind: 'supports' | 'against', title: string, words: Weight[]): HTMLElement | null {
  if (words.length === 0) return null;
  return h('p', { class: 'word-list' }, h('mark', { class: `${kind} strength-2` }, title), ' ',
    ...words.slice(0, MOST_LISTED).flatMap(word => [
      h('bdi', {}, word.text), h('span', { class: 'quiet' }, ` ${signed(word.weight)} `)]));
}

/** The legend of the lines, and the same in words. */
export function wordList(weights: Weight[]): HTMLElement {
  const strong = weights.filter(word => Math.abs(word.weight) >= LEAST)
    .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  if (strong.length === 0) return h('p', { class: 'quiet' }, 'No single word decides this answer.');
  return h('div', { class: 'legend' },
    list('supports', 'supports', strong.filter(word => word.weight > 0)),
    list('against', 'speaks against', strong.filter(word => word.weight < 0)));
}

/** While a text is being typed, the marks of its unchanged beginning stay until the new ones are there. */
export function keptWeights(before: string, now: string, weights: Weight[]): Weight[] {
  let same = 0;
  while (same < before.length && same < now.length && before[same] === now[same]) same++;
  return weights.filter(word => word.end <= same);
}
