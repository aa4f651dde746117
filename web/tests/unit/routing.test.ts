import { expect, test } from 'vitest';
import { languageText } from '../../src/format';
import { langOf, warningText } from '../../src/routing';

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
