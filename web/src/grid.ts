// The table of rows. Only the rows in sight are in the document: a spacer above and one below stand for the others.

import { chip } from './answer';
import { cell, columnName, type Dataset } from './dataset';
import { h, replace, setStyle } from './dom';
import { count, languageText, signed } from './format';
import type { Sort, SortKey } from './order';
import { FAILED, type Results, WAITING } from './results';
import { langOf } from './routing';

const ROW_HEIGHT = 34;              // pixels, as in the style sheet
const SPARE = 8;                    // rows drawn beyond each edge
const LEAST_DRAWN = 14;
const TALLEST = 15_000_000;         // browsers draw nothing beyond some 17 to 33 million pixels
const CELL_CHARACTERS = 300;        // more would be laid out and never seen

interface Column {
  key: SortKey;
  name: string;
  width: number;
  number?: boolean;
}

export class Grid {
  readonly root = h('div', { class: 'grid', tabindex: 0, role: 'group', 'aria-label': 'Rows, scrollable' });
  private readonly body = h('tbody', {});
  private readonly head = h('tr', {});
  private readonly above = h('td', {});
  private readonly below = h('td', {});
  private readonly table: HTMLElement;
  private columns: Column[] = [];
  private rows: Int32Array = new Int32Array(0);
  private current = 0;              // position of the row that the tab key reaches
  private scheduled = 0;

  constructor(
    private readonly data: Dataset, private readonly results: Results, private readonly textColumn: number,
    private sort: Sort, private readonly onSort: (sort: Sort) => void, private readonly onOpen: (row: number) => void) {
    const spacer = (inside: HTMLElement) => h('tbody', { 'aria-hidden': 'true' }, h('tr', { role: 'none' }, inside));
    this.table = h('table', { 'aria-label': 'Rows' }, h('thead', {}, this.head),
      spacer(this.above), this.body, spacer(this.below));
    this.root.append(this.table);
    this.root.addEventListener('scroll', () => this.schedule(), { passive: true });
    this.body.addEventListener('keydown', event => this.key(event));
    this.body.addEventListener('click', event => this.click(event));
    new ResizeObserver(() => this.schedule()).observe(this.root);
  }

  show(rows: Int32Array, sort: Sort) {
    const other = rows.length !== this.rows.length || sort !== this.sort;
    this.rows = rows;
    this.sort = sort;
    this.current = Math.min(this.current, Math.max(0, rows.length - 1));
    if (other) this.current = 0;
    this.drawHead();
    this.draw();
  }

  scrollToTop() {
    this.root.scrollTop = 0;
  }

  private drawHead() {
    const narrow = this.root.clientWidth < 600;
    const columns: Column[] = [
      { key: 'row', name: '#', width: 44 + 8 * count(this.data.rows.length).length, number: true },
      { key: 'label', name: 'Label', width: narrow ? 112 : 140 },
      { key: 'score', name: 'Score', width: 84, number: true },
    ];
    if (this.results.hasPolarity) columns.push({ key: 'polarity', name: 'Polarity', width: 100, number: true });
    if (this.results.languages.length > 0) columns.push({ key: 'language', name: 'Language', width: 116 });
    // On a phone the text must not be what is out of sight.
    const text = { key: this.textColumn, name: columnName(this.data, this.textColumn), width: narrow ? 230 : 420 };
    columns.splice(narrow ? 2 : columns.length, 0, text);
    this.data.columns.slice(0, 60).forEach((_, column) => {
      if (column !== this.textColumn) columns.push({ key: column, name: columnName(this.data, column), width: 130 });
    });
    if (columns.length === this.columns.length && this.head.dataset.sort === sortText(this.sort)) return;
    this.columns = columns;
    this.head.dataset.sort = sortText(this.sort);
    const focused = (document.activeElement as HTMLElement | null)?.dataset.key;
    replace(this.head, ...columns.map(column => this.headCell(column)));
    if (focused) this.head.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    for (const spacer of [this.above, this.below]) spacer.colSpan = columns.length;
    setStyle(this.table, 'min-width', `${columns.reduce((sum, column) => sum + column.width, 0)}px`);
  }

  private headCell(column: Column): HTMLElement {
    const own = this.sort.key === column.key;
    const direction = own ? (this.sort.descending ? 'descending' : 'ascending') : 'none';
    const header = h('th', { scope: 'col', 'aria-sort': direction, class: column.number ? 'number' : '' },
      h('button', { type: 'button', 'data-key': `sort-${column.key}`, onclick: () => this.pickSort(column.key, own) },
        column.name, h('span', { class: 'arrow', 'aria-hidden': 'true' }, own ? (this.sort.descending ? ' ↓' : ' ↑') : '')));
    // The text takes the room that is left.
    if (column.key !== this.textColumn) setStyle(header, 'width', `${column.width}px`);
    return header;
  }

  /** Scores are first wanted from the top, names from A. */
  private pickSort(key: SortKey, own: boolean) {
    const descendingFirst = key === 'score' || key === 'polarity';
    this.onSort({ key, descending: own ? !this.sort.descending : descendingFirst });
  }

  private schedule() {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = 0;
      this.draw();
    });
  }

  /** Height of the whole table, and what a pixel of scrolling stands for when that is more than browsers can do. */
  private get scale(): number {
    return Math.max(1, this.rows.length * ROW_HEIGHT / TALLEST);
  }

  draw() {
    const height = this.root.clientHeight;
    const visible = Math.max(LEAST_DRAWN, Math.ceil(height / ROW_HEIGHT));
    const top = Math.floor(this.root.scrollTop * this.scale / ROW_HEIGHT);
    const first = Math.max(0, Math.min(top - SPARE, this.rows.length - visible - SPARE));
    const last = Math.min(this.rows.length, Math.max(top, 0) + visible + SPARE);
    const total = Math.min(TALLEST, this.rows.length * ROW_HEIGHT);
    const before = Math.min(first * ROW_HEIGHT / this.scale, Math.max(0, total - (last - first) * ROW_HEIGHT));
    setStyle(this.above, 'height', `${before}px`);
    setStyle(this.below, 'height', `${Math.max(0, total - before - (last - first) * ROW_HEIGHT)}px`);
    const focused = this.body.contains(document.activeElement);
    this.table.setAttribute('aria-rowcount', String(this.rows.length + 1));
    const lines: HTMLElement[] = [];
    for (let position = first; position < last; position++) lines.push(this.line(position));
    replace(this.body, ...lines);
    if (focused) this.buttonAt(this.current)?.focus({ preventScroll: true });
  }

  private line(position: number): HTMLElement {
    const row = this.rows[position];
    return h('tr', { 'aria-rowindex': position + 2, 'data-position': position },
      ...this.columns.map(column => this.cell(row, position, column)));
  }

  private cell(row: number, position: number, { key, number }: Column): HTMLElement {
    const results = this.results;
    if (key === 'row') {
      return h('td', { class: 'number' }, h('button', {
        type: 'button', class: 'link', tabindex: position === this.current ? 0 : -1, 'aria-label': `Row ${row + 1}`,
      }, count(row + 1)));
    }
    if (key === 'label') return h('td', {}, this.labelCell(row));
    if (key === 'score') return h('td', { class: 'number' }, numberText(results.score[row], value => value.toFixed(3)));
    if (key === 'polarity') return h('td', { class: 'number' }, numberText(results.polarity[row], signed));
    if (key === 'language') return h('td', {}, results.language[row] < 0 ? '' : languageText(results.languageOf(row)));
    const lang = key === this.textColumn ? langOf(results.languageOf(row)) : undefined;
    return h('td', { class: number ? 'number' : '', dir: 'auto', lang }, cell(this.data, row, key).slice(0, CELL_CHARACTERS));
  }

  private labelCell(row: number): HTMLElement | string {
    const state = this.results.state[row];
    if (state === WAITING) return h('span', { class: 'quiet' }, '…');
    if (state !== FAILED) return chip(this.results.labelOf(row), this.results.labels);
    const reason = this.results.errors.get(row) ?? '';
    return h('span', { class: 'chip error-chip', title: reason }, reason.split(':')[0].replaceAll('_', ' '));
  }

  private click(event: MouseEvent) {
    const line = (event.target as Element).closest<HTMLElement>('tr');
    if (!line || getSelection()?.toString()) return;
    this.current = Number(line.dataset.position);
    this.onOpen(this.rows[this.current]);
  }

  private key(event: KeyboardEvent) {
    const page = Math.max(1, Math.floor(this.root.clientHeight / ROW_HEIGHT) - 2);
    const moves: Record<string, number> = {
      ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.rows.length, End: this.rows.length,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.current = Math.max(0, Math.min(this.rows.length - 1, this.current + moves[event.key]));
    const top = this.current * ROW_HEIGHT / this.scale;
    const room = this.root.clientHeight - 2 * ROW_HEIGHT;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    else if (top > this.root.scrollTop + room) this.root.scrollTop = top - room;
    this.draw();
    this.buttonAt(this.current)?.focus({ preventScroll: true });
  }

  private buttonAt(position: number): HTMLElement | null {
    return this.body.querySelector(`tr[data-position="${position}"] button`);
  }
}

function sortText({ key, descending }: Sort): string {
  return `${key} ${descending}`;
}

function numberText(value: number, text: (value: number) => string): string {
  return Number.isNaN(value) ? '' : text(value);
}
