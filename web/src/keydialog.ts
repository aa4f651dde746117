// Asks for the key of the server. It lives in this tab's session storage and nowhere else.

import { h } from './dom';

export function askForKey(wrong: boolean): Promise<string | null> {
  return new Promise(resolve => {
    const input = h('input', { type: 'password', id: 'key', autocomplete: 'off', required: true });
    const problem = wrong && h('p', { class: 'problem', role: 'alert' }, 'The server does not accept this key.');
    const dialog = h('dialog', { class: 'key-dialog', 'aria-labelledby': 'key-title' },
      h('form', { method: 'dialog', onsubmit: (event: Event) => {
        event.preventDefault();
        if (input.value.trim() !== '') dialog.close(input.value.trim());
      } },
        h('h2', { id: 'key-title' }, 'This server asks for a key'),
        h('p', { class: 'quiet' }, 'It was set where the server was started. This tab forgets it when it is closed.'),
        problem,
        h('label', { for: 'key' }, 'Key'), input,
        h('div', { class: 'buttons' },
          h('button', { type: 'submit', class: 'primary' }, 'Continue'),
          h('button', { type: 'button', onclick: () => dialog.close('') }, 'Cancel'))));
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    });
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
}
