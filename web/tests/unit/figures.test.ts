import { describe, expect, test } from 'vitest';
import { parseDates, stepFor, stepStart, stepText } from '../../src/dates';
import { keptWeights } from '../../src/explanation';
import { percent, signed } from '../../src/format';
import { displayOrder, side, verdict } from '../../src/labels';
import { noFilter, orderRows } from '../../src/order';
import { Results } from '../../src/results';
import { classCounts, extremes, groups, meanPolarity, overTime } from '../../src/stats';
import { WordCounts, wordsOf } from '../../src/words';
import type { Dataset } from '../../src/dataset';

function filled(polarities: number[]): Results {
  const results = new Results(polarities.length, ['negative', 'positive']);
  polarities.forEach((polarity, row) => results.answer(row, {
    id: String(row), label: polarity < 0 ? 'negative' : 'positive', score: Math.abs(polarity), scores: {}, polarity,
  }));
  return results;
}

function dataset(rows: string[][]): Dataset {
  return {
    name: 'a.csv', kind: 'csv', delimiter: ',', mark: false, note: '', columns: ['text', 'n'], rows, lines: [],
    faults: new Map(),
  };
}

const day = (text: string) => Date.parse(`${text}T00:00:00Z`) / 86_400_000;

describe('dates', () => {
  test('the column decides which number is the day', () => {
    expect([...parseDates(['03/04/2026', '25/04/2026'], {})]).toEqual([day('2026-04-03'), day('2026-04-25')]);
    expect([...parseDates(['03/04/2026', '04/25/2026'], {})]).toEqual([day('2026-03-04'), day('2026-04-25')]);
    expect([...parseDates(['03.04.2026'], {})]).toEqual([day('2026-04-03')]);
    expect([...parseDates(['2026-02-30', '12', 'x', '', '1.5'], {})]).toEqual([NaN, NaN, NaN, NaN, NaN]);
    expect(Math.floor(parseDates(['2026-01-02T23:59:00Z'], {})[0])).toBe(day('2026-01-02'));
  });

  test('steps', () => {
    expect(stepFor(30)).toBe('day');
    expect(stepFor(365)).toBe('week');
    expect(stepStart(day('2026-11-26'), 'week')).toBe(day('2026-11-23'));
    expect(stepStart(day('1969-12-31'), 'week')).toBe(day('1969-12-29'));
    expect(stepStart(day('2026-11-26'), 'quarter')).toBe(day('2026-10-01'));
    expect(stepText(day('2026-10-01'), 'quarter')).toBe('2026 Q4');
  });
});

describe('statistics', () => {
  test('counts, means and their interval', () => {
    const results = filled([-1, -0.5, 0.5, 1]);
    expect(classCounts(results)).toEqual([2, 2]);
    const mean = meanPolarity(results);
    expect(mean.mean).toBe(0);
    expect(mean.half).toBeCloseTo(1.96 * Math.sqrt(2.5 / 3 / 4));
    expect(meanPolarity(new Results(3)).mean).toBeNaN();
  });

  test('groups: numbers in their order, names by frequency', () => {
    const results = filled([1, 1, -1, 1]);
    const category = { column: 1, name: 'n', values: ['10', '9'], codes: Int32Array.from([0, 0, 0, 1]) };
    expect(groups(results, category).map(group => [group.value, group.count, group.classes]))
      .toEqual([['9', 1, [0, 1]], ['10', 3, [1, 2]]]);
    expect(groups(results, { ...category, values: ['b', 'a'] }).map(group => group.value)).toEqual(['b', 'a']);
  });

  test('extremes keep the order of the file among equals', () => {
    expect(extremes(filled([0.5, -1, 0.9, 0.9, 0.1]), 1, 3)).toEqual([2, 3, 0]);
    expect(extremes(filled([0.5, -1]), -1, 3)).toEqual([1]);
  });

  test('time', () => {
    const days = Float64Array.from([day('2026-01-01'), day('2026-01-01'), day('2026-01-09'), NaN]);
    const { step, points } = overTime(filled([1, 0.5, -1, 1]), { column: 0, name: 'd', days });
    expect(step).toBe('day');
    expect(points.map(point => [point.start, point.count, point.mean])).toEqual([[day('2026-01-01'), 2, 0.75], [day('2026-01-09'), 1, -1]]);
  });

  test('a second answer to a row changes nothing', () => {
    const results = filled([1, -1]);
    results.answer(0, { id: '0', label: 'negative', score: 1, scores: {}, polarity: -1 });
    results.fail(1, 'late');
    expect([results.labelOf(0), results.settled, results.failed]).toEqual(['positive', 2, 0]);
  });
});

describe('words', () => {
  test('are found in scripts with and without spaces', () => {
    expect([...wordsOf("I don't LIKE @user https://x.y/z 2026 it it")]).toEqual(["don't", 'like', 'it']);
    expect([...wordsOf('אני אוהב')]).toEqual(['אני', 'אוהב']);
    expect(wordsOf('このホテルは素晴らしい').has('ホテル')).toBe(true);
  });

  test('those of a class stand out, common ones do not', () => {
    const counts = new WordCounts(2);
    for (let n = 0; n < 50; n++) {
      counts.add('the awful room', 0);
      counts.add('the lovely room', 1);
    }
    expect(counts.top(0, 5).map(({ word }) => word)).toEqual(['awful']);
    expect(counts.top(1, 5).map(({ word }) => word)).toEqual(['lovely']);
    expect(new WordCounts(2).top(0, 5)).toEqual([]);
  });
});

describe('labels', () => {
  test('sides', () => {
    expect(['negative', 'Very Positive', 'NEU', '4 stars', 'LABEL_0', 'positive_tone', 'joy'].map(side))
      .toEqual([-1, 2, 0, 1, null, 1, null]);
    expect(displayOrder(['positive', 'negative', 'neutral'])).toEqual([1, 2, 0]);
    expect(displayOrder(['joy', 'negative'])).toEqual([0, 1]);
    expect([verdict('Very Negative'), verdict('LABEL_1', 0.9), verdict('joy')]).toEqual(['negative', 'positive', null]);
  });

  test('numbers for people', () => {
    expect([percent(0.123), percent(0.9999), percent(1), percent(0.05)]).toEqual(['12%', '>99.9%', '100.0%', '5.0%']);
    expect([signed(-0.5), signed(0.001), signed(0.5)]).toEqual(['−0.50', '0.00', '+0.50']);
  });
});

describe('order', () => {
  const data = dataset([['b good', '10'], ['a bad', '9'], ['c (good)', ''], ['d', '1']]);
  const results = filled([0.9, -0.8, 0.1]);

  test('filters', () => {
    const rows = (filter: object) => [...orderRows(data, results, 0, { ...noFilter(), ...filter }, { key: 'row', descending: false })];
    expect(rows({})).toEqual([0, 1, 2, 3]);
    expect(rows({ query: 'GOOD' })).toEqual([0, 2]);
    expect(rows({ query: '(good)' })).toEqual([2]);
    expect(rows({ label: 0 })).toEqual([1]);
  });

  test('numbers sort as numbers, and what is missing comes last both ways', () => {
    const sorted = (key: any, descending: boolean) => [...orderRows(data, results, 0, noFilter(), { key, descending })];
    expect(sorted(1, false)).toEqual([3, 1, 0, 2]);
    expect(sorted(1, true)).toEqual([0, 1, 3, 2]);
    expect(sorted('polarity', true)).toEqual([0, 2, 1, 3]);
    expect(sorted(0, false)).toEqual([1, 0, 2, 3]);
    expect(sorted('row', true)).toEqual([3, 2, 1, 0]);
  });
});

test('marks of the unchanged beginning stay while typing goes on', () => {
  const weights = [{ begin: 0, end: 4, text: 'good', weight: 1 }, { begin: 5, end: 8, text: 'bad', weight: -1 }];
  expect(keptWeights('good bad', 'good bat', weights)).toEqual([weights[0]]);
});
