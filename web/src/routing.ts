// The language of a text, the route that it took to its answer, and what was read in its place. All of it is absent
// where the server names no language: with a model that was named by --model.

import type { DocumentAnswer } from './api';
import { h } from './dom';
import { languageText, percent } from './format';

const ROUTES: Record<string, { name: string; meaning: string }> = {
  native: { name: 'native', meaning: 'Answered by the model itself' },
  multilingual: { name: 'multilingual model', meaning: 'Answered by the model of many languages' },
  translated: { name: 'translated', meaning: 'Answered by the model itself, on a translation into English' },
};

const FAULTS: Record<string, string> = {
  empty: 'came out empty',
  repeating: 'repeats itself again and again',
  copied: 'is the text itself, all but unchanged',
  length: 'is far too long or too short for the text',
  script: 'is not written in English letters',
  numbers: 'has other numbers than the text',
};

const WARNINGS: Record<string, string> = {
  translation_unavailable: 'There is no translator for this language here, so the text was read as it is.',
  tasks_unavailable: 'The other tasks are left out: the multilingual model answers the sentiment only.',
};

/** A warning in plain words; one that a newer server invents as it is written. */
export function warningText(code: string): string {
  const fault = code.startsWith('translation_') ? FAULTS[code.slice('translation_'.length)] : undefined;
  if (fault) return `The translation ${fault}, so the text was read as it is.`;
  return WARNINGS[code] ?? code.replaceAll('_', ' ');
}

/** For the attribute `lang` of an element that shows the text: empty says unknown, undefined that nobody looked. */
export function langOf(code: string | undefined): string | undefined {
  return code === 'und' ? '' : code || undefined;
}

function certainty({ language, language_confidence: confidence }: DocumentAnswer): string {
  if (language === 'und') return 'The text does not show its language';
  return confidence === undefined ? `Language ${language}` : `Language ${language}, confidence ${percent(confidence)}`;
}

/** The name of the language, and the route in words; a title and a text that is not seen say how sure the name is. */
export function languageBadge(answer: DocumentAnswer): HTMLElement | null {
  if (!answer.language) return null;
  const route = answer.route === undefined ? undefined : ROUTES[answer.route] ?? { name: answer.route, meaning: 'Route' };
  return h('span', { class: 'language-badge' },
    h('span', { class: 'chip plain-chip', title: certainty(answer) }, languageText(answer.language)),
    h('span', { class: 'hidden-text' }, `${certainty(answer)}.`),
    route && h('span', { class: 'quiet', title: route.meaning }, route.name));
}

let boxes = 0;

/** A button that reveals the translation; `toggled` hears of it, so that the next one can be shown at once. */
export function translationBox(translation: string, open: boolean, toggled: (open: boolean) => void): HTMLElement {
  const id = `translation-${++boxes}`;
  const text = h('p', { id, class: 'marked translation', lang: 'en', dir: 'auto', hidden: !open }, translation);
  const button = h('button', {
    type: 'button', class: 'link disclosure', 'aria-expanded': String(open), 'aria-controls': id, onclick: () => {
      text.hidden = !text.hidden;
      button.setAttribute('aria-expanded', String(!text.hidden));
      toggled(!text.hidden);
    },
  }, 'Show translation');
  return h('div', {}, button, text);
}

export function warningList(codes: string[]): HTMLElement {
  return h('ul', { class: 'notes', 'aria-label': 'Notes' }, ...codes.map(code => h('li', {}, warningText(code))));
}
