// The table of rows with its search and filters.

import { columnName, type Dataset } from './dataset';
import { h, replace } from './dom';
import { count, labelText, languageText } from './format';
import { Grid } from './grid';
import { displayOrder } from './labels';
import { ANY, dependsOnResults, ERRORS, noFilter, orderRows, type Filter, type Sort } from './order';
import type { Results } from './results';
import { languageCounts } from './stats';

const SEARCH_PAUSE = 150;

export class RowsPanel {
  readonly root: HTMLElement;
  private readonly grid: Grid;
  private readonly search: HTMLInputElement;
  private readonly label = h('select', { id: 'filter-label' });
  private readonly language = h('select', { id: 'filter-language' });
  private readonly languageField = h('span', { class: 'field', hidden: true },
    h('label', { for: 'filter-language' }, 'Language'), this.language);
  private readonly chips = h('span', { class: 'filter-chips' });
  private readonly shown = h('span', { class: 'quiet', role: 'status' });
  private current: Filter = noFilter();
  private sort: Sort = { key: 'row', descending: false };
  private rows: Int32Array | null = null;
  private timer = 0;

  constructor(
    private readonly data: Dataset, private readonly results: Results, private readonly textColumn: number,
    onOpen: (row: number) => void) {
    this.search = h('input', {
      type: 'search', id: 'filter-text', placeholder: `in ${columnName(data, textColumn)}`, autocomplete: 'off',
    });
    this.grid = new Grid(data, results, textColumn, this.sort, sort => {
      this.sort = sort;
      this.apply();
    }, onOpen);
    this.listen();
    this.root = h('section', { class: 'card wide full', 'aria-labelledby': 'rows-title' },
      h('div', { class: 'card-head' }, h('h2', { id: 'rows-title' }, 'Rows'), this.shown),
      h('div', { class: 'filters' },
        h('span', { class: 'field' }, h('label', { for: 'filter-text' }, 'Find'), this.search),
        h('span', { class: 'field' }, h('label', { for: 'filter-label' }, 'Label'), this.label),
        this.languageField, this.chips),
      this.grid.root);
  }

  private listen() {
    this.search.addEventListener('input', () => {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => this.change({ query: this.search.value }), SEARCH_PAUSE);
    });
    this.label.addEventListener('change', () => this.change({ label: Number(this.label.value) }));
    this.language.addEventListener('change', () => this.change({ language: Number(this.language.value) }));
  }

  /** Shows the rows behind a mark of a chart: its filter replaces the others. */
  filter(filter: Partial<Filter>) {
    this.change({ ...noFilter(), ...filter });
    this.search.value = this.current.query;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.root.scrollIntoView({ behavior: calm ? 'auto' : 'smooth', block: 'nearest' });
  }

  private change(filter: Partial<Filter>) {
    this.current = { ...this.current, ...filter };
    this.apply();
    this.grid.scrollToTop();
  }

  /** Called as results come in. */
  refresh() {
    this.drawSelects();
    if (!this.rows || dependsOnResults(this.current, this.sort)) this.apply();
    else this.grid.show(this.rows, this.sort);
  }

  private apply() {
    this.rows = orderRows(this.data, this.results, this.textColumn, this.current, this.sort);
    const all = this.data.rows.length;
    this.shown.textContent = this.rows.length === all ? count(all) : `${count(this.rows.length)} of ${count(all)}`;
    this.drawSelects();
    this.drawChips();
    this.grid.show(this.rows, this.sort);
  }

  private drawSelects() {
    const { labels, languages, failed } = this.results;
    const names = displayOrder(labels).map(index => ({ value: index, name: labelText(labels[index]) }));
    if (failed > 0) names.push({ value: ERRORS, name: 'without an answer' });
    options(this.label, names, this.current.label);
    this.languageField.hidden = languages.length === 0;
    const counts = languageCounts(this.results);
    const found = languages.map((code, value) => ({ value, name: `${languageText(code)} (${count(counts[value])})` }));
    options(this.language, found.sort((a, b) => counts[b.value] - counts[a.value]), this.current.language);
  }

  private drawChips() {
    const { category, query, label, language } = this.current;
    const clear = (name: string, accessible: string, change: () => void) => h('button', {
      type: 'button', class: 'chip plain-chip', 'aria-label': accessible, onclick: change,
    }, name, h('span', { 'aria-hidden': 'true' }, ' ×'));
    const any = query !== '' || label !== ANY || language !== ANY || category !== null;
    replace(this.chips,
      category && clear(`${category.from.name}: ${category.from.values[category.code] || '(empty)'}`,
        `Remove the filter ${category.from.name}`, () => this.change({ category: null })),
      any && clear('Show all', 'Show all rows', () => {
        this.search.value = '';
        this.change(noFilter());
      }));
  }
}

function options(select: HTMLSelectElement, names: { value: number; name: string }[], chosen: number) {
  const wanted = [{ value: ANY, name: 'all' }, ...names];
  // Numbers that grow are written into the options that are there: new ones would take the list away from under a finger.
  if ([...select.options].map(option => option.value).join() !== wanted.map(({ value }) => value).join()) {
    replace(select, ...wanted.map(({ value, name }) => h('option', { value }, name)));
  }
  wanted.forEach(({ name }, index) => {
    if (select.options[index].text !== name) select.options[index].text = name;
  });
  if (select.value !== String(chosen)) select.value = String(chosen);
}
