// The charts of a file, drawn with elements and SVG. Values are always written next to their marks as well.

import { chip } from './answer';
import { h, replace, setStyle, svg } from './dom';
import { count, labelText, languageText, percent, plural, signed } from './format';
import { displayOrder, tone } from './labels';
import { stepText, type Step } from './dates';
import type { Group, Point } from './stats';

/** Redraws a part of the page without taking the focus away: what is focused is found again by its data-key. */
export function redraw(root: HTMLElement, ...children: (Node | string | null | false)[]) {
  const active = document.activeElement;
  const key = active instanceof HTMLElement && root.contains(active) ? active.dataset.key : undefined;
  replace(root, ...children);
  if (key !== undefined) root.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

export function distribution(root: HTMLElement, labels: string[], counts: number[], pick: (label: number) => void) {
  const total = counts.reduce((a, b) => a + b, 0);
  const largest = Math.max(1, ...counts);
  redraw(root, h('ul', { class: 'bars pickable' }, ...displayOrder(labels).map(index => {
    const fill = h('span', { class: `bar-fill ${tone(labels[index], labels)}` });
    setStyle(fill, 'width', `${counts[index] / largest * 100}%`);
    return h('li', {}, h('button', {
      type: 'button', class: 'bar-button', 'data-key': labels[index], title: 'Show these rows',
      onclick: () => pick(index),
    },
      h('span', { class: 'bar-name' }, labelText(labels[index])), h('span', { class: 'bar' }, fill),
      h('span', { class: 'bar-value' }, `${count(counts[index])} `,
        h('span', { class: 'quiet' }, total > 0 ? percent(counts[index] / total) : ''))));
  })));
}

/** How many rows lie where between -1 and 1. */
export function histogram(root: HTMLElement, bins: number[]) {
  const most = Math.max(...bins);
  if (most === 0) return replace(root);
  const [width, height] = [300, 56];
  const step = width / bins.length;
  const half = bins.length / 2;
  const sum = (from: number, to: number) => bins.slice(from, to).reduce((a, b) => a + b, 0);
  replace(root, svg('svg', {
    viewBox: `0 0 ${width} ${height}`, class: 'histogram', preserveAspectRatio: 'none', role: 'img',
    'aria-label': `Polarity: ${plural(sum(0, half), 'row')} below zero, ${count(sum(half, bins.length))} above`,
  }, ...bins.map((value, bin) => svg('rect', {
    x: bin * step + 0.75, width: step - 1.5, y: height - Math.max(1, value / most * height), height: Math.max(1, value / most * height),
    class: bin < half ? 'tone-n1' : 'tone-p1',
  }))), h('div', { class: 'histogram-scale quiet', 'aria-hidden': 'true' },
    h('span', {}, '−1'), h('span', {}, 'polarity'), h('span', {}, '+1')));
}

function stack(classes: number[], labels: string[]): HTMLElement {
  const total = classes.reduce((a, b) => a + b, 0);
  const text = displayOrder(labels).map(index => `${labelText(labels[index])} ${percent(classes[index] / total)}`);
  return h('span', { class: 'stack', role: 'img', 'aria-label': text.join(', '), title: text.join('\n') },
    ...displayOrder(labels).filter(index => classes[index] > 0).map(index => {
      const part = h('span', { class: tone(labels[index], labels) });
      setStyle(part, 'flex-grow', String(classes[index]));
      return part;
    }));
}

/** The mean on a scale from -1 to 1, with its 95% interval as a line. */
function meanMark(group: Group): HTMLElement {
  const line = h('span', { class: 'scale-line' });
  setStyle(line, 'left', `${(Math.max(-1, group.mean - group.half) + 1) * 50}%`);
  setStyle(line, 'right', `${(1 - Math.min(1, group.mean + group.half)) * 50}%`);
  const dot = h('span', { class: 'scale-dot' });
  setStyle(dot, 'left', `${(group.mean + 1) * 50}%`);
  return h('span', { class: 'scale', 'aria-hidden': 'true', title: `95% interval ±${group.half.toFixed(2)}` }, line, dot);
}

// With more labels the colours repeat, and a legend would say nothing.
const MOST_IN_LEGEND = 6;

/** The share of the classes for each language; `total` counts the rows of all languages, shown or not. */
export function languageChart(
  root: HTMLElement, languages: Group[], total: number, labels: string[], pick: (code: string) => void) {
  const polarity = languages.some(language => !Number.isNaN(language.mean));
  const legend = labels.length <= MOST_IN_LEGEND ? displayOrder(labels) : [];
  redraw(root,
    h('div', { class: 'chart-legend' }, ...legend.map(index => chip(labels[index], labels)),
      polarity && h('span', { class: 'quiet', 'aria-hidden': 'true' }, 'mean polarity')),
    h('ul', { class: 'bars pickable languages' }, ...languages.map(language =>
      h('li', {}, h('button', {
        type: 'button', class: 'bar-button', 'data-key': language.value, title: 'Show these rows',
        onclick: () => pick(language.value),
      },
        h('span', { class: 'bar-name' }, languageText(language.value)), ' ', stack(language.classes, labels),
        h('span', { class: 'bar-value' }, `${count(language.count)} `,
          h('span', { class: 'quiet' }, percent(language.count / total))),
        polarity && meanValue(language))))));
}

function meanValue({ mean, half }: Group): HTMLElement {
  if (Number.isNaN(mean)) return h('span', { class: 'bar-value' }, '–');
  return h('span', { class: 'bar-value', title: `95% interval ±${half.toFixed(2)}` },
    h('span', { class: 'hidden-text' }, ', mean polarity '), signed(mean));
}

export function groupTable(
  root: HTMLElement, name: string, all: Group[], labels: string[], pick: (value: string) => void) {
  const polarity = all.some(group => !Number.isNaN(group.mean));
  redraw(root, h('table', { class: 'small-table groups' },
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, name), h('th', { scope: 'col', class: 'number' }, 'Rows'),
      h('th', { scope: 'col' }, 'Classes'), polarity && h('th', { scope: 'col', colspan: 2 }, 'Mean polarity'))),
    h('tbody', {}, ...all.map(group => h('tr', {},
      h('th', { scope: 'row' }, h('button', {
        type: 'button', class: 'link', 'data-key': group.value, title: 'Show these rows', onclick: () => pick(group.value),
      }, group.value || '(empty)')),
      h('td', { class: 'number' }, count(group.count)),
      h('td', { class: 'stack-cell' }, stack(group.classes, labels)),
      polarity && h('td', { class: 'scale-cell' }, Number.isNaN(group.mean) ? '' : meanMark(group)),
      polarity && h('td', { class: 'number' }, Number.isNaN(group.mean) ? '–' : signed(group.mean)))))));
}

const HEIGHT = 190;
const LEFT = 34;
const BOTTOM = 40;

interface Frame {
  x: (index: number) => number;
  y: (value: number) => number;
  low: number;
  high: number;
}

/** The range of the axis: as narrow as the data allow, in steps of a quarter, and never without the zero line. */
function frameOf(points: Point[], width: number): Frame {
  const low = Math.max(-1, Math.min(0, Math.floor(Math.min(...points.map(p => p.mean - p.half)) * 4) / 4));
  const high = Math.min(1, Math.max(0, Math.ceil(Math.max(...points.map(p => p.mean + p.half)) * 4) / 4));
  const [first, span] = [points[0].start, Math.max(1, points[points.length - 1].start - points[0].start)];
  const bottom = HEIGHT - BOTTOM;
  return {
    low, high: high > low ? high : low + 0.25,
    x: index => LEFT + 6 + (points[index].start - first) / span * (width - LEFT - 14),
    y: value => 8 + (high - value) / Math.max(0.25, high - low) * (bottom - 8),
  };
}

function gridLines({ y, low, high }: Frame, width: number): SVGElement[] {
  return [...new Set([low, 0, high])].flatMap(value => [
    svg('line', { x1: LEFT, x2: width, y1: y(value), y2: y(value), class: value === 0 ? 'axis zero' : 'axis' }),
    svg('text', { x: LEFT - 6, y: y(value) + 4, class: 'tick', 'text-anchor': 'end' }, signed(value)),
  ]);
}

function timeLabels(points: Point[], step: Step, frame: Frame, width: number): SVGElement[] {
  const room = stepText(points[0].start, step).length * 7 + 28;
  const labels: SVGElement[] = [];
  let next = LEFT;
  points.forEach((point, index) => {
    const middle = Math.min(Math.max(frame.x(index), LEFT + room / 2 - 14), width - room / 2 + 14);
    if (middle - room / 2 + 14 < next) return;
    next = middle + room / 2 + 14;
    labels.push(svg('text', { x: middle, y: HEIGHT - 4, class: 'tick', 'text-anchor': 'middle' }, stepText(point.start, step)));
  });
  return labels;
}

function volume(points: Point[], frame: Frame, width: number): SVGElement[] {
  const most = Math.max(...points.map(point => point.count));
  const wide = Math.max(1.5, Math.min(22, (width - LEFT) / points.length * 0.6));
  return points.map((point, index) => {
    const tall = Math.max(1, point.count / most * 18);
    return svg('rect', {
      x: frame.x(index) - wide / 2, y: HEIGHT - 18 - tall, width: wide, height: tall, class: 'volume',
    });
  });
}

export function timeChart(root: HTMLElement, name: string, points: Point[], step: Step) {
  if (points.length === 0) return redraw(root, h('p', { class: 'quiet' }, 'No dated rows yet.'));
  const width = Math.max(260, root.clientWidth);
  const frame = frameOf(points, width);
  const path = (value: (point: Point) => number) =>
    points.map((point, index) => `${frame.x(index).toFixed(1)},${frame.y(value(point)).toFixed(1)}`);
  const band = [...path(p => Math.min(1, p.mean + p.half)), ...path(p => Math.max(-1, p.mean - p.half)).reverse()];
  const [first, last] = [points[0], points[points.length - 1]];
  const readout = h('p', { class: 'quiet readout' }, `by ${step} of ${name}; the band is the 95% interval, the bars count rows`);
  const chart = svg('svg', {
    viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, class: 'time-chart', role: 'img',
    'aria-label': `Mean polarity by ${step}: ${stepText(first.start, step)} ${signed(first.mean)} to ` +
      `${stepText(last.start, step)} ${signed(last.mean)}`,
  },
    ...gridLines(frame, width), ...volume(points, frame, width),
    svg('polygon', { points: band.join(' '), class: 'band' }),
    svg('polyline', { points: path(p => p.mean).join(' '), class: 'line' }),
    ...points.map((point, index) => svg('circle', {
      cx: frame.x(index), cy: frame.y(point.mean), r: points.length > 40 ? 1.8 : 2.8, class: 'point',
    })),
    ...timeLabels(points, step, frame, width));
  const cursor = svg('line', { y1: 8, y2: HEIGHT - 18, class: 'cursor', visibility: 'hidden' });
  chart.append(cursor);
  chart.addEventListener('pointermove', event => {
    const at = (event as PointerEvent).clientX - chart.getBoundingClientRect().left;
    let near = 0;
    for (let index = 1; index < points.length; index++) {
      if (Math.abs(frame.x(index) - at) < Math.abs(frame.x(near) - at)) near = index;
    }
    const point = points[near];
    for (const side of ['x1', 'x2']) cursor.setAttribute(side, String(frame.x(near)));
    cursor.setAttribute('visibility', 'visible');
    readout.textContent = `${stepText(point.start, step)}: mean polarity ${signed(point.mean)} ` +
      `${point.count > 1 ? `± ${point.half.toFixed(2)}` : '(no interval)'}, ${plural(point.count, 'row')}`;
  });
  redraw(root, chart, readout, timeDetails(points, step, root.querySelector('details')?.open ?? false));
}

/** The same figures as a table, for those who do not see the chart. */
function timeDetails(points: Point[], step: Step, open: boolean): HTMLElement {
  return h('details', { open }, h('summary', { 'data-key': 'as-table' }, 'As a table'),
    h('div', { class: 'scroll-y', tabindex: 0, role: 'group', 'aria-label': 'Mean polarity over time as a table' },
      h('table', { class: 'small-table' },
        h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, step), h('th', { scope: 'col', class: 'number' }, 'Rows'),
          h('th', { scope: 'col', class: 'number' }, 'Mean polarity'))),
        h('tbody', {}, ...points.map(point => h('tr', {}, h('th', { scope: 'row' }, stepText(point.start, step)),
          h('td', { class: 'number' }, count(point.count)), h('td', { class: 'number' }, signed(point.mean))))))));
}
