import { expect, test } from 'vitest';
import { BAD, GOOD, HEBREW, mockServer, real, serverUrl, Visit, withBrowser } from './support';

withBrowser();

test('loads fast, small, quietly and with the agreed names', async () => {
  const url = await serverUrl();
  const begin = performance.now();
  const visit = await Visit.open(url);
  const seconds = (performance.now() - begin) / 1000;
  await visit.tab.waitForTimeout(400);
  for (const part of [visit.text, visit.result, visit.choose]) expect(await part.count()).toBe(1);
  expect(await visit.analyze.count()).toBe(0);
  expect(await visit.result.innerText()).toBe('');
  expect(seconds).toBeLessThan(2);
  expect(visit.bytes).toBeLessThan(100_000);
  console.log(`loaded in ${(seconds * 1000).toFixed(0)} ms with the tab, ${(visit.bytes / 1000).toFixed(0)} kB`);
  await visit.accessible();
  await visit.shot('empty');
  await visit.close();
});

test('the answer follows the typing, its words are marked, and it goes with the text', async () => {
  const visit = await Visit.open(await serverUrl());
  await visit.text.pressSequentially(GOOD, { delay: 5 });
  await visit.result.locator('.headline', { hasText: 'positive' }).waitFor({ timeout: 1500 });
  await visit.result.locator('mark.supports').first().waitFor();
  expect(await visit.result.locator('.marked').innerText()).toBe(GOOD);
  await visit.accessible();
  await visit.shot('typed');
  await visit.text.fill(BAD);
  await visit.result.locator('.headline', { hasText: 'negative' }).waitFor({ timeout: 1500 });
  await visit.text.fill('');
  await expect.poll(() => visit.result.innerText()).toBe('');
  await visit.text.fill('   ');
  await visit.tab.waitForTimeout(200);
  expect(await visit.result.innerText()).toBe('');
  await visit.close();
});

test('words are marked on the original characters, also behind letters of two units', async () => {
  const visit = await Visit.open(await serverUrl());
  await visit.text.fill('😀😀 this is wonderful');
  await visit.result.locator('mark.supports', { hasText: /^wonderful$/ }).first().waitFor();
  await visit.close();
});

test.skipIf(real)('what speaks against the label is told apart by more than colour', async () => {
  const visit = await Visit.open(await serverUrl());
  await visit.text.fill('A wonderful, lovely room with a bad bed');
  const against = visit.result.locator('.marked mark.against');
  await against.waitFor();
  const style = (selector: string) => visit.result.locator(selector).first()
    .evaluate(element => getComputedStyle(element).textDecorationStyle);
  expect([await style('.marked mark.supports'), await style('.marked mark.against')]).toEqual(['solid', 'dotted']);
  expect(await visit.result.locator('.legend').innerText()).toContain('speaks against');
  await visit.close();
});

test('the words of a long text are marked on demand', async () => {
  const visit = await Visit.open(await serverUrl());
  await visit.text.fill(`${'The parcel arrived on Tuesday. '.repeat(40)} ${GOOD}`);
  await visit.button('Mark the words that count').click();
  await visit.result.locator('.legend, .words-box > p.quiet').waitFor({ timeout: 30_000 });
  await visit.accessible();
  await visit.close();
});

test.skipIf(real)('other tasks stand beside, several models side by side', async () => {
  const visit = await Visit.open(await serverUrl({ models: ['default', 'org/five-stars', 'third'], languages: true }));
  await visit.text.fill(GOOD);
  await visit.result.getByText('all agree: positive').waitFor();
  expect(await visit.result.locator('.tasks').innerText()).toContain('non irony');
  expect(await visit.result.locator('.headline').innerText()).toContain('English');
  await visit.accessible();
  await visit.shot('compare');
  await visit.tab.getByLabel('Model', { exact: true }).selectOption('org/five-stars');
  await visit.result.locator('.headline', { hasText: 'Very Positive' }).waitFor();
  await visit.close();
});

test.skipIf(real)('the card of a model is shown and not run', async () => {
  const visit = await Visit.open(await serverUrl({ models: ['org/name'] }));
  await visit.tab.getByText('Model card').click();
  await visit.tab.getByText('<script>alert(1)</script>').waitFor();
  expect(await visit.tab.locator('#models').innerText()).toContain('Apache-2.0');
  await visit.accessible();
  await visit.close();
});

test('everything can be reached by keyboard and seen there', async () => {
  const visit = await Visit.open(await serverUrl());
  const reached: string[] = [];
  for (let step = 0; step < 12; step++) {
    await visit.tab.keyboard.press('Tab');
    const [name, outline] = await visit.tab.evaluate(() => {
      const element = document.activeElement as HTMLElement;
      const style = getComputedStyle(element);
      return [element.id || element.textContent!, style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2];
    });
    reached.push(String(name));
    expect([name, outline]).toEqual([name, true]);
    if (name === 'Choose file') break;
  }
  expect(reached).toContain('text');
  expect(reached).toContain('Choose file');
  await visit.text.focus();
  await visit.tab.keyboard.type(GOOD);
  await visit.result.locator('.headline', { hasText: 'positive' }).waitFor();
  await visit.close();
});

test('right to left', async () => {
  const visit = await Visit.open(await serverUrl());
  await visit.text.fill(HEBREW);
  const direction = (part: typeof visit.text) => part.evaluate(element => getComputedStyle(element).direction);
  expect(await direction(visit.text)).toBe('rtl');
  await visit.result.locator('.headline').waitFor();
  expect(await direction(visit.result.locator('.marked'))).toBe('rtl');
  await visit.tab.waitForTimeout(400);
  await visit.shot('right-to-left');
  await visit.text.fill(GOOD);
  expect(await direction(visit.text)).toBe('ltr');
  await visit.close();
});

test.skipIf(real)('the language, how sure it is, and the route', async () => {
  const visit = await Visit.open(await serverUrl({ routes: true }));
  const headline = visit.result.locator('.headline');
  for (const [text, name, route] of [[GOOD, 'English', 'native'], ['Das Zimmer war gut', 'German', 'multilingual model'],
    [HEBREW, 'Hebrew', 'translated'], ['12345', 'undetermined', 'native']]) {
    await visit.text.fill(text);
    const badge = headline.getByText(name, { exact: true });
    await badge.waitFor();
    expect(await headline.getByText(route, { exact: true }).count()).toBe(1);
    const title = await badge.getAttribute('title');
    expect(title).toMatch(name === 'undetermined' ? /does not show/ : /^Language [a-z]+, confidence 97%$/);
    expect(await headline.locator('.hidden-text').innerText()).toContain(title);
    const shown = await visit.result.locator('.words-box .marked').getAttribute('lang');
    expect(shown).toBe({ English: 'en', German: 'de', Hebrew: 'he' }[name] ?? '');
    expect(await visit.text.getAttribute('lang')).toBe(shown);
  }
  await visit.text.fill('');
  await expect.poll(() => visit.result.innerText()).toBe('');
  expect(await visit.text.getAttribute('lang')).toBe(null);
  await visit.close();
});

test.skipIf(real)('a translation is shown on demand, and stays so while typing goes on', async () => {
  const visit = await Visit.open(await serverUrl({ routes: true }));
  await visit.text.fill(HEBREW);
  const button = visit.result.getByRole('button', { name: 'Show translation', exact: true });
  const translation = visit.result.locator('.translation');
  await button.waitFor();
  expect([await button.getAttribute('aria-expanded'), await translation.isVisible()]).toEqual(['false', false]);
  await visit.accessible();
  await button.focus();
  await visit.tab.keyboard.press('Enter');
  expect([await button.getAttribute('aria-expanded'), await translation.isVisible()]).toEqual(['true', true]);
  expect(await translation.getAttribute('lang')).toBe('en');
  expect(await translation.getAttribute('id')).toBe(await button.getAttribute('aria-controls'));
  await visit.result.locator('.legend').waitFor();
  await visit.accessible();
  await visit.shot('translated');
  await visit.text.fill(`${HEBREW} ${HEBREW}`);
  await visit.result.locator('.marked[lang="he"]', { hasText: `${HEBREW} ${HEBREW}` }).waitFor();
  expect(await translation.isVisible()).toBe(true);
  await visit.text.fill(GOOD);
  await translation.waitFor({ state: 'detached' });
  expect(await button.count()).toBe(0);
  await visit.close();
});

test.skipIf(real)('warnings stand in plain words', async () => {
  const visit = await Visit.open(await serverUrl({ routes: true }), { colorScheme: 'dark' });
  await visit.text.fill('Très bon, merci');
  const notes = visit.result.getByRole('list', { name: 'Notes' }).getByRole('listitem');
  await notes.first().waitFor();
  expect(await notes.allInnerTexts()).toEqual([
    'The translation came out empty, so the text was read as it is.',
    'The other tasks are left out: the multilingual model answers the sentiment only.',
  ]);
  await visit.tab.waitForTimeout(400);
  await visit.accessible();
  await visit.shot('warnings');
  await visit.close();
});

test.skipIf(real)('where the server tells no language nothing is said of one', async () => {
  const visit = await Visit.open(await serverUrl());
  await visit.text.fill(GOOD);
  await visit.result.locator('.legend').waitFor();
  expect(await visit.result.locator('.language-badge, .routing > *, [lang]').count()).toBe(0);
  expect(await visit.text.getAttribute('lang')).toBe(null);
  await visit.close();
});

test('phone: no sideways scrolling with long words', async () => {
  const visit = await Visit.open(await serverUrl({ models: ['default', 'org/five-stars'] }), {
    viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true,
  });
  await visit.text.fill(`${GOOD} ${'Donaudampfschifffahrtsgesellschaft'.repeat(6)}`);
  await visit.result.locator('mark').first().waitFor();
  await visit.tab.waitForTimeout(300);
  await visit.accessible();
  await visit.shot('phone-typed');
  await visit.close();
});

test.skipIf(real)('phone and dark: badge and translation', async () => {
  const visit = await Visit.open(await serverUrl({ routes: true }), {
    viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, colorScheme: 'dark',
  });
  await visit.text.fill(HEBREW);
  await visit.button('Show translation').tap();
  await visit.result.locator('.legend').waitFor();
  await visit.accessible();
  await visit.shot('phone-translated');
  await visit.close();
});

test('dark differs from light, and both have contrast', async () => {
  const url = await serverUrl();
  const seen: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    const visit = await Visit.open(url, { colorScheme, reducedMotion: 'reduce' });
    await visit.text.fill('A wonderful, lovely room with a bad bed');
    await visit.result.locator('.legend').waitFor();
    seen.push(await visit.tab.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await visit.accessible();
    await visit.shot(`scheme-${colorScheme}`);
    await visit.close();
  }
  expect(seen[0]).not.toBe(seen[1]);
});

test.skipIf(real)('outdated answers never replace newer ones', async () => {
  const mock = await mockServer();
  const visit = await Visit.open(mock.url);
  for (let turn = 0; turn < 10; turn++) {
    await visit.text.fill(turn % 2 ? GOOD : BAD);
    await visit.tab.waitForTimeout(20 + turn * 7);
  }
  await visit.tab.waitForTimeout(300);
  expect(await visit.result.locator('.headline').innerText()).toContain('positive');
  await visit.close();
});
