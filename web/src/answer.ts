// One answer: the label, the polarity, a bar for each class, the other tasks, and the text with its words marked.

import type { DocumentAnswer, ModelInfo, Weight } from './api';
import { append, h, replace, setStyle } from './dom';
import { labelText, milliseconds, percent, plural, signed } from './format';
import { displayOrder, tone } from './labels';
import { keptWeights, markedText, wordList } from './explanation';
import { langOf, languageBadge, translationBox, warningList } from './routing';

export function chip(label: string, labels: string[]): HTMLElement {
  return h('span', { class: `chip ${tone(label, labels)}` }, labelText(label));
}

/** A scale from -1 to 1 with the value on it. */
export function polarityScale(value: number): HTMLElement {
  const dot = h('span', { class: `scale-dot ${value < 0 ? 'tone-n1' : value > 0 ? 'tone-p1' : 'tone-0'}` });
  setStyle(dot, 'left', `${(value + 1) * 50}%`);
  return h('span', { class: 'scale', 'aria-hidden': 'true' }, dot);
}

// Of a model with more classes only the likeliest are shown.
const MOST_BARS = 8;

export class AnswerView {
  private labels = '';
  private bars = new Map<string, { fill: HTMLElement; value: HTMLElement }>();
  private readonly headline = h('div', { class: 'headline' });
  private readonly polarity = h('div', { class: 'polarity' });
  private readonly classes = h('ul', { class: 'bars' });
  private readonly tasks = h('div', { class: 'tasks' });
  private readonly routing = h('div', { class: 'routing' });
  private readonly words = h('div', { class: 'words-box' });
  private readonly meta = h('p', { class: 'quiet meta' });
  private text = '';
  private language: string | undefined;
  private weights: Weight[] = [];
  private translationOpen = false;

  constructor(private readonly root: Element) {}

  clear() {
    replace(this.root);
    this.text = '';
    this.weights = [];
  }

  show(text: string, answer: DocumentAnswer, model?: ModelInfo, time?: number) {
    const labels = model?.labels ?? Object.keys(answer.scores);
    replace(this.headline, chip(answer.label, labels), h('span', { class: 'score' }, percent(answer.score)),
      languageBadge(answer));
    const known = typeof answer.polarity === 'number';
    replace(this.polarity, ...(known ? [h('span', {}, 'Polarity'), polarityScale(answer.polarity!),
      h('strong', {}, signed(answer.polarity!))] : []));
    this.showBars(answer, labels);
    this.showTasks(answer, model);
    this.showRouting(answer);
    this.weights = keptWeights(this.text, text, this.weights);
    this.text = text;
    this.language = langOf(answer.language);
    this.showWords(false);
    this.meta.textContent = metaText(answer, model, time);
    if (!this.root.contains(this.headline)) {
      append(this.root, this.headline, this.polarity, this.classes, this.tasks, this.routing, this.words,
        this.meta);
    }
  }

  explain(text: string, weights: Weight[]) {
    if (text !== this.text) return;
    this.weights = weights;
    this.showWords(true);
  }

  /** For a text so long that its explanation is computed on demand only. */
  offerWords(text: string, explain: () => void) {
    if (text !== this.text) return;
    this.words.append(h('button', { type: 'button', class: 'small', onclick: (event: Event) => {
      (event.target as HTMLButtonElement).disabled = true;
      explain();
    } }, 'Mark the words that count'));
  }

  private showBars(answer: DocumentAnswer, labels: string[]) {
    let names = displayOrder(labels).map(index => labels[index]).filter(label => label in answer.scores);
    if (names.length > MOST_BARS) names = names.sort((a, b) => answer.scores[b] - answer.scores[a]).slice(0, MOST_BARS - 2);
    if (names.join('\n') !== this.labels || this.classes.childElementCount === 0) this.buildBars(names, labels);
    for (const [label, { fill, value }] of this.bars) {
      setStyle(fill, 'width', `${answer.scores[label] * 100}%`);
      value.textContent = percent(answer.scores[label]);
    }
  }

  private buildBars(names: string[], labels: string[]) {
    this.labels = names.join('\n');
    this.bars.clear();
    replace(this.classes, ...names.map(label => {
      const fill = h('span', { class: `bar-fill ${tone(label, labels)}` });
      const value = h('span', { class: 'bar-value' });
      this.bars.set(label, { fill, value });
      return h('li', {}, h('span', { class: 'bar-name' }, labelText(label)), h('span', { class: 'bar' }, fill), value);
    }));
  }

  private showTasks(answer: DocumentAnswer, model?: ModelInfo) {
    const other = Object.entries(answer.tasks ?? {}).filter(([name, task]) =>
      name !== 'sentiment' && !(task.label === answer.label && task.score === answer.score));
    replace(this.tasks, ...other.map(([name, task]) => {
      const labels = model?.tasks?.find(known => known.name === name)?.labels ?? Object.keys(task.scores ?? {});
      return h('div', { class: 'task' }, h('span', { class: 'quiet' }, labelText(name)), chip(task.label, labels),
        h('span', {}, percent(task.score)));
    }));
  }

  private showRouting({ translation, warnings = [] }: DocumentAnswer) {
    replace(this.routing,
      translation && translationBox(translation, this.translationOpen, open => { this.translationOpen = open; }),
      warnings.length > 0 && warningList(warnings));
  }

  private showWords(complete: boolean) {
    replace(this.words, markedText(this.text, this.weights, this.language),
      complete && wordList(this.weights, this.language));
  }
}

function metaText(answer: DocumentAnswer, model?: ModelInfo, time?: number): string {
  const own = answer.route !== 'multilingual';
  const parts = [own ? model?.id : 'multilingual model', own && model?.dtype,
    answer.tokens !== undefined && plural(answer.tokens, 'token'),
    answer.windows !== undefined && answer.windows > 1 && `read in ${plural(answer.windows, 'window')}`,
    model?.multi_label && 'each class answers for itself', answer.truncated && 'only the beginning was read',
    time !== undefined && milliseconds(time)];
  return parts.filter(Boolean).join(' · ');
}
