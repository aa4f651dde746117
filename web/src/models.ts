// Which models the server has loaded, which one the user chose, and what there is to know about each.

import { ApiError, listModels, modelCard, type ModelInfo } from './api';
import { clearAlert, showAlert } from './alerts';
import { renderCard } from './card';
import { byId, h, replace } from './dom';
import { bytes, labelText } from './format';

let models: ModelInfo[] = [];
let chosen = '';
let known = false;                  // the server told its models, be it none
const listeners: (() => void)[] = [];

export function loadedModels(): ModelInfo[] {
  return models;
}

export function modelsKnown(): boolean {
  return known;
}

export function currentModel(): ModelInfo | undefined {
  return models.find(model => model.id === chosen) ?? models[0];
}

/** The name to send with a file: none for the default model, so that the lean form of the request can be used. */
export function modelForFile(): string | undefined {
  const model = currentModel();
  return model && model !== models[0] ? model.id : undefined;
}

export function onModelsChanged(listener: () => void) {
  listeners.push(listener);
}

export async function refreshModels() {
  try {
    models = await listModels();
    known = true;
    clearAlert('models');
  } catch (error) {
    const message = error instanceof ApiError ? error.message : 'The list of models could not be read.';
    const unauthorized = error instanceof ApiError && error.status === 401;
    showAlert('models', message, { label: unauthorized ? 'Enter key' : 'Try again', run: () => void refreshModels() });
    return;
  }
  drawChoice();
  drawModels();
  for (const listener of listeners) listener();
}

function drawChoice() {
  const root = byId('model-choice');
  if (models.length < 2) return replace(root, models[0] && h('span', { class: 'quiet' }, models[0].id));
  const select = h('select', { id: 'model', onchange: () => {
    chosen = select.value;
    for (const listener of listeners) listener();
  } }, ...models.map(model => h('option', { value: model.id, selected: model === currentModel() }, model.id)));
  replace(root, h('label', { for: 'model' }, 'Model'), select);
}

function drawModels() {
  const root = byId('models');
  if (models.length === 0) return replace(root, h('p', { class: 'quiet' }, 'No model is loaded.'));
  replace(root, ...models.map((model, index) => h('article', { class: 'model' },
    h('h3', {}, model.id, index === 0 && models.length > 1 && model.id !== 'default' && h('span', { class: 'chip plain-chip' }, 'default')),
    h('dl', {}, ...facts(model).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    cardOf(model))));
}

function facts(model: ModelInfo): [string, string][] {
  const tasks = (model.tasks ?? []).map(task => labelText(task.name));
  const all: [string, string | undefined | false][] = [
    ['Labels', model.labels?.map(labelText).join(', ')],
    ['Tasks', tasks.length > 1 && tasks.join(', ')],
    ['Type', [model.dtype, model.device].filter(Boolean).join(' on ')],
    ['Memory', model.bytes !== undefined && bytes(model.bytes)],
    ['Licence', model.license],
    ['Revision', model.revision],
    ['Weights', model.sha256 && `SHA-256 ${model.sha256.slice(0, 16)}…`],
    ['Several labels at once', model.multi_label && 'yes'],
  ];
  return all.filter((entry): entry is [string, string] => Boolean(entry[1]));
}

function cardOf(model: ModelInfo): HTMLElement {
  const body = h('div', { class: 'model-card' });
  const details = h('details', {}, h('summary', {}, 'Model card'), body);
  details.addEventListener('toggle', async () => {
    if (!details.open || body.dataset.read) return;
    body.dataset.read = 'yes';
    try {
      const card = await modelCard(model.id);
      replace(body, card ? renderCard(card) : h('p', { class: 'quiet' }, 'This model comes without a card.'));
    } catch (error) {
      delete body.dataset.read;
      replace(body, h('p', { class: 'problem' }, error instanceof ApiError ? error.message : 'The card cannot be read.'));
    }
  });
  return details;
}
