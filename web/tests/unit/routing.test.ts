import { expect, test } from 'vitest';
import type { Dataset } from '../../src/dataset';
import { toCsv, toJsonl } from '../../src/export';
import { languageText } from '../../src/format';
import { Results } from '../../src/results';
import { langOf, warningText } from '../../src/routing';
import { languageCounts } from '../../src/stats';

const data: Dataset = {
  name: 'a.csv', kind: 'csv', delimiter: ',', mark: false, note: '', columns: ['text', 'language'],
  rows: [['gut', 'x'], ['good', 'y'], ['', 'z']], lines: [], faults: new Map(),
};

function answered(): Results {
  const results = new Results(3);
  const scores = { label: 'positive', score: 0.5, scores: {} };
  results.answer(0, { id: '0', ...scores, language: 'de', route: 'translated', translation: 'good, "really"' });
  results.answer(1, { id: '1', ...scores, language: 'en', route: 'native' });
  results.fail(2, 'empty_text: the text is empty');
  return results;
}

test('languages by name, and what is none as it is written', () => {
  expect(['de', 'he', 'und', 'xx', 'not a code'].map(languageText))
    .toEqual(['German', 'Hebrew', 'undetermined', 'xx', 'not a code']);
  expect(['de', 'und', '', undefined].map(langOf)).toEqual(['de', '', undefined, undefined]);
});

test('warnings in plain words', () => {
  for (const status of ['empty', 'repeating', 'copied', 'length', 'script', 'numbers', 'unavailable']) {
    expect(warningText(`translation_${status}`))
      .toMatch(/^(The translation|There is no translator) .*, so the text was read as it is\.$/);
  }
  expect(warningText('something_new')).toBe('something new');
  expect(warningText('translation_new')).toBe('translation new');
});

test('rows of each language', () => {
  expect(languageCounts(answered())).toEqual([1, 1]);
});

test('downloads hold language, route and translation behind the label', () => {
  expect(toCsv(data, answered()).join('').split('\n')).toEqual([
    'text,language,label,score,valence_language,route,translation,error',
    'gut,x,positive,0.5,de,translated,"good, ""really""",',
    'good,y,positive,0.5,en,native,,',
    ',z,,,,,,empty_text: the text is empty', '',
  ]);
  expect(toJsonl(data, answered()).join('').trim().split('\n').map(line => Object.keys(JSON.parse(line)))).toEqual([
    ['text', 'language', 'label', 'score', 'valence_language', 'route', 'translation'],
    ['text', 'language', 'label', 'score', 'valence_language', 'route'],
    ['text', 'language', 'error'],
  ]);
});

test('without languages the downloads are those of before', () => {
  const results = new Results(3);
  for (let row = 0; row < 3; row++) results.answer(row, { id: String(row), label: 'positive', score: 0.5, scores: {} });
  expect(toCsv(data, results).join('').split('\n')[0]).toBe('text,language,label,score');
});
