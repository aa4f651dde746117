// Everything that is shown about the rows of a file, while they are analyzed and afterwards.

import type { ModelInfo } from './api';
import { category, cell, dateColumn, type Category, type Dataset, type DateColumn } from './dataset';
import { distribution, groupTable, histogram, languageChart, redraw, timeChart } from './charts';
import { breathe, h, replace } from './dom';
import { chip } from './answer';
import { showRow } from './detail';
import { count, plural, signed } from './format';
import { displayOrder, tone } from './labels';
import type { Results } from './results';
import { langOf } from './routing';
import { RowsPanel } from './rowspanel';
import { classCounts, extremes, groups, languageCategory, meanPolarity, overTime, polarityBins } from './stats';
import { WordCounts } from './words';

const MOST_EXTREMES = 5;
const MOST_WORDS = 10;
const MOST_LANGUAGES = 8;       // the others on demand
const BINS = 24;
const WORD_SLICE = 12;          // milliseconds of counting words before the page may breathe

export class Dashboard {
  private readonly summary = h('p', { class: 'summary' });
  private readonly classes = h('div', {});
  private readonly polarities = h('div', { class: 'histogram-box' });
  private readonly time = h('div', { class: 'chart' });
  private readonly timeCard = card('Polarity over time', this.time);
  private readonly groups = h('div', { class: 'scroll-y group-box', tabindex: 0, role: 'group', 'aria-label': 'Groups' });
  private readonly groupSelect = h('select', { id: 'group-by' });
  private readonly groupCard = card('By column', this.groups,
    h('span', { class: 'field' }, h('label', { for: 'group-by' }, 'Group by'), this.groupSelect));
  private readonly languages = h('div', { class: 'scroll-y language-box' });
  private readonly moreLanguages = h('button', { type: 'button', class: 'link', onclick: () => this.showAllLanguages() });
  private readonly languageCard = h('figure', { class: 'card by-language', 'aria-label': 'By language', hidden: true },
    h('div', { class: 'card-head' }, h('h2', { 'aria-hidden': 'true' }, 'By language')), this.languages,
    this.moreLanguages);
  private mostLanguages = MOST_LANGUAGES;
  private readonly words = h('div', { class: 'word-columns' });
  private readonly extremes = { positive: h('ol', { class: 'extremes' }), negative: h('ol', { class: 'extremes' }) };
  private readonly extremeCards = [
    card('Most negative', this.extremes.negative), card('Most positive', this.extremes.positive)];
  private readonly rows: RowsPanel;
  private categories: Category[] = [];
  private dates: DateColumn[] = [];
  private counts: WordCounts | null = null;
  private counted = 0;
  private counting = false;
  private closed = false;

  constructor(
    private readonly root: HTMLElement, private readonly data: Dataset, private readonly results: Results,
    private readonly textColumn: number, private readonly model?: ModelInfo) {
    const open = (row: number) => this.open(row);
    this.rows = new RowsPanel(data, results, textColumn, open);
    const figure = h('figure', { class: 'card', 'aria-label': 'Distribution' },
      h('div', { class: 'card-head' }, h('h2', { 'aria-hidden': 'true' }, 'Distribution')), this.summary, this.classes,
      this.polarities);
    this.timeCard.classList.add('wide');
    this.timeCard.hidden = this.groupCard.hidden = true;
    for (const part of this.extremeCards) part.hidden = true;
    replace(root, figure, this.timeCard, this.languageCard, this.groupCard, card('Words that go with each class', this.words),
      ...this.extremeCards, this.rows.root);
    root.hidden = true;
    this.groupSelect.addEventListener('change', () => this.drawGroups());
    void this.profile();
  }

  private open(row: number) {
    showRow(this.data, this.results, row, this.textColumn, this.model);
  }

  close() {
    this.closed = true;
    this.root.hidden = true;
    replace(this.root);
  }

  /** Looks for columns to group by and for dates; a breath after each keeps the page alive with wide files. */
  private async profile() {
    for (let column = 0; column < this.data.columns.length && !this.closed; column++) {
      if (column === this.textColumn) continue;
      const dates = dateColumn(this.data, column);
      if (dates) this.dates.push(dates);
      const found = category(this.data, column);
      if (found) this.categories.push(found);
      await breathe();
    }
    // A date is a poor group when it is drawn over time already.
    this.categories.sort((a, b) => Number(this.isDate(a)) - Number(this.isDate(b)));
    this.drawSelect();
    if (!this.root.hidden) this.refresh();
  }

  private isDate(found: Category): boolean {
    return this.dates.some(dates => dates.column === found.column);
  }

  private drawSelect() {
    const names = this.categories.map(({ column, name }) => ({ value: String(column), name }));
    if (names.length === this.groupSelect.options.length) return;
    const chosen = this.groupSelect.value;
    replace(this.groupSelect, ...names.map(({ value, name }) => h('option', { value, selected: value === chosen }, name)));
  }

  /**
   * Draws what has changed, for the first time when there is a result. The time it took, in milliseconds, tells how
   * soon to draw again.
   */
  refresh(): number {
    if (this.closed || this.results.settled === 0) return 0;
    this.root.hidden = false;
    const begin = performance.now();
    const mean = meanPolarity(this.results);
    this.summary.textContent = [plural(this.results.done, 'row'),
      mean.count > 0 && `mean polarity ${signed(mean.mean)}`,
      this.results.failed > 0 && `${count(this.results.failed)} without an answer`].filter(Boolean).join(' · ');
    distribution(this.classes, this.results.labels, classCounts(this.results), label => this.rows.filter({ label }));
    histogram(this.polarities, polarityBins(this.results, BINS));
    const dates = this.results.hasPolarity ? this.dates[0] : undefined;
    this.timeCard.hidden = !dates;
    if (dates) {
      const { step, points } = overTime(this.results, dates);
      timeChart(this.time, dates.name, points, step);
    }
    this.drawLanguages();
    this.drawSelect();
    this.drawGroups();
    this.drawExtremes();
    this.rows.refresh();
    void this.countWords();
    return performance.now() - begin;
  }

  private drawGroups() {
    const from = this.categories.find(found => String(found.column) === this.groupSelect.value);
    this.groupCard.hidden = !from;
    if (!from) return;
    groupTable(this.groups, from.name, groups(this.results, from), this.results.labels, value =>
      this.rows.filter({ category: { from, code: from.values.indexOf(value) } }));
  }

  /** One language is no comparison: the distribution shows it already. */
  private drawLanguages() {
    const { languages, labels } = this.results;
    this.languageCard.hidden = languages.length < 2;
    if (this.languageCard.hidden) return;
    const all = groups(this.results, languageCategory(this.results));
    const total = all.reduce((sum, language) => sum + language.count, 0);
    languageChart(this.languages, all.slice(0, this.mostLanguages), total, labels, code =>
      this.rows.filter({ language: languages.indexOf(code) }));
    this.moreLanguages.hidden = all.length <= this.mostLanguages;
    this.moreLanguages.textContent = `Show ${plural(all.length - this.mostLanguages, 'more language')}`;
  }

  private showAllLanguages() {
    this.mostLanguages = Infinity;
    this.drawLanguages();
    this.languages.querySelectorAll('button')[MOST_LANGUAGES]?.focus();
  }

  private drawExtremes() {
    for (const [index, name] of (['negative', 'positive'] as const).entries()) {
      const rows = extremes(this.results, name === 'positive' ? 1 : -1, MOST_EXTREMES);
      this.extremeCards[index].hidden = !this.results.hasPolarity;
      redraw(this.extremes[name], ...rows.map(row => h('li', {}, h('button', {
        type: 'button', class: 'extreme', 'data-key': String(row),
        onclick: () => this.open(row),
      },
        h('span', { class: 'extreme-text', dir: 'auto', lang: langOf(this.results.languageOf(row)) }, cell(this.data, row, this.textColumn).slice(0, 240)),
        h('span', { class: 'quiet number' }, signed(this.results.polarity[row]))))));
      if (rows.length === 0) replace(this.extremes[name], h('li', { class: 'quiet' }, `No ${name} row so far.`));
    }
  }

  private async countWords() {
    if (this.counting) return;
    this.counting = true;
    const results = this.results;
    if (!this.counts || this.counts.classes !== results.labels.length) {
      this.counts = new WordCounts(results.labels.length);
      this.counted = 0;
    }
    while (this.counted < results.answered.length && !this.closed) {
      const deadline = performance.now() + WORD_SLICE;
      while (this.counted < results.answered.length && performance.now() < deadline) {
        const row = results.answered[this.counted++];
        this.counts.add(cell(this.data, row, this.textColumn), results.label[row]);
      }
      await breathe();
    }
    this.drawWords();
    this.counting = false;
  }

  private drawWords() {
    const { labels } = this.results;
    const columns = displayOrder(labels).map(label => ({ label, words: this.counts!.top(label, MOST_WORDS) }))
      .filter(({ words }) => words.length > 0);
    if (columns.length === 0) {
      replace(this.words, h('p', { class: 'quiet' }, 'No word stands out so far.'));
      return;
    }
    redraw(this.words, ...columns.map(({ label, words }) => h('div', {}, chip(labels[label], labels),
      h('ul', { class: `words ${tone(labels[label], labels)}` }, ...words.map(({ word, count: rows }) => h('li', {},
        h('button', {
          type: 'button', class: 'word', 'data-key': `${label} ${word}`, title: `in ${plural(rows, 'row')} of this class`,
          onclick: () => this.rows.filter({ label, query: word }),
        }, h('bdi', {}, word), h('span', { class: 'quiet' }, ` ${count(rows)}`))))))));
  }
}

function card(title: string, content: HTMLElement, extra?: HTMLElement): HTMLElement {
  return h('section', { class: 'card', 'aria-label': title },
    h('div', { class: 'card-head' }, h('h2', {}, title), extra), content);
}
