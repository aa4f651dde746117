// Messages at the top of the page, one for each topic: a new one about the same thing replaces the old one.

import { byId, h } from './dom';

export interface Action {
  label: string;
  run: () => void;
}

const shown = new Map<string, HTMLElement>();

export function showAlert(topic: string, message: string, action?: Action) {
  const old = shown.get(topic);
  if (old?.dataset.message === message) return;
  old?.remove();
  const alert = h('div', { class: 'alert', 'data-message': message },
    h('p', {}, message),
    action && h('button', { type: 'button', onclick: action.run }, action.label),
    h('button', { type: 'button', class: 'plain', 'aria-label': 'Close message', onclick: () => clearAlert(topic) }, '×'));
  shown.set(topic, alert);
  byId('alerts').append(alert);
}

export function clearAlert(topic: string) {
  shown.get(topic)?.remove();
  shown.delete(topic);
}
