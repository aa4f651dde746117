// Servers that ask for a key, are busy, or die.

import { expect, test } from 'vitest';
import { parseCsv } from '../../src/csv';
import { BAD, GOOD, mockServer, real, reviews, Visit, withBrowser } from './support';

withBrowser();

test.skipIf(real)('a key is asked for, refused in words, kept for the tab and sent', async () => {
  const mock = await mockServer({ key: 'secret' });
  const visit = await Visit.open(mock.url);
  const dialog = visit.tab.getByRole('dialog', { name: 'This server asks for a key' });
  const key = visit.tab.getByLabel('Key', { exact: true });
  expect(await key.getAttribute('type')).toBe('password');
  await visit.accessible();
  await visit.shot('key');
  await key.fill('wrong');
  await visit.tab.keyboard.press('Enter');
  await dialog.getByText('does not accept this key').waitFor();
  await key.fill('secret');
  await visit.button('Continue').click();
  await dialog.waitFor({ state: 'detached' });
  await visit.text.fill(GOOD);
  await visit.result.locator('.headline', { hasText: 'positive' }).waitFor();
  await visit.tab.reload();
  await visit.text.fill(BAD);
  await visit.result.locator('.headline', { hasText: 'negative' }).waitFor();
  expect(await dialog.count()).toBe(0);
  await visit.analyzeFile('a.csv', reviews(50));
  await visit.close(1);
});

test.skipIf(real)('without a key the page says so and asks again on demand', async () => {
  const mock = await mockServer({ key: 'secret' });
  const visit = await Visit.open(mock.url);
  await visit.button('Cancel').click();
  await visit.tab.getByRole('alert').getByText('asks for a key').waitFor();
  await visit.button('Enter key').click();
  await visit.tab.getByLabel('Key', { exact: true }).fill('secret');
  await visit.tab.keyboard.press('Enter');
  await visit.tab.getByText('Apache-2.0').waitFor();
  expect(await visit.button('Enter key').count()).toBe(0);
  await visit.close(1);
});

test.skipIf(real)('a busy server is waited for', async () => {
  const mock = await mockServer({ busy: 2 });
  const visit = await Visit.open(mock.url);
  await visit.chooseFile('a.csv', reviews(300));
  await visit.analyze.click();
  await visit.tab.getByText('the server is busy, waiting').waitFor();
  await visit.downloadCsv.waitFor();
  expect(parseCsv(await visit.download('Download CSV')).filter(cells => cells[4] === '')).toEqual([]);
  await visit.close(1);
});

test.skipIf(real)('rows for which the server had no time are sent again', async () => {
  const mock = await mockServer({ late: 90 });
  const visit = await Visit.open(mock.url);
  await visit.analyzeFile('a.csv', reviews(600));
  const got = parseCsv(await visit.download('Download CSV'));
  expect(got[0]).not.toContain('error');
  expect(got.filter(cells => cells[4] === '')).toEqual([]);
  expect(mock.streamed).toBe(690);
  await visit.close();
});

test.skipIf(real)('a server that dies: said, kept, and gone on with', async () => {
  const mock = await mockServer({ dieAfter: 1500 });
  const visit = await Visit.open(mock.url);
  await visit.chooseFile('a.csv', reviews(4000));
  await visit.analyze.click();
  const alert = visit.tab.getByRole('alert');
  await alert.getByText('The connection to the server was lost.').waitFor();
  const kept = parseCsv(await visit.download('Download CSV')).slice(1).filter(cells => cells[4] !== '').length;
  expect(kept).toBeGreaterThan(100);
  await visit.shot('lost');
  await visit.accessible();
  await visit.button('Try again').click();
  await alert.getByText('does not answer').waitFor();
  await visit.button('Try again').waitFor();
  const second = await mockServer({ port: mock.port });
  await visit.button('Try again').click();
  await visit.tab.getByText('4,000 rows in').waitFor();
  expect(await visit.tab.getByText('does not answer').count()).toBe(0);
  expect(second.streamed).toBe(4000 - kept);          // only the missing rows were sent again
  const got = parseCsv(await visit.download('Download CSV'));
  expect(got.length).toBe(4001);
  expect(got.filter(cells => cells[4] === '')).toEqual([]);
  await visit.close(1);
});

test.skipIf(real)('a server that comes back is noticed', async () => {
  const mock = await mockServer({ dieAfter: 300 });
  const visit = await Visit.open(mock.url);
  await visit.chooseFile('a.csv', reviews(1000));
  await visit.analyze.click();
  await visit.tab.getByRole('alert').getByText('goes on by itself').waitFor();
  await mockServer({ port: mock.port });
  await visit.tab.getByText('1,000 rows in').waitFor();
  await visit.close(1);
});

test.skipIf(real)('typing at a dead server says so, and recovers', async () => {
  const mock = await mockServer();
  const visit = await Visit.open(mock.url);
  await visit.text.fill(GOOD);
  await visit.result.locator('.headline', { hasText: 'positive' }).waitFor();
  await mock.stop();
  await visit.text.fill(BAD);
  await visit.tab.getByRole('alert').getByText('The server does not answer').waitFor();
  expect(await visit.result.innerText()).toBe('');
  await mockServer({ port: mock.port });
  await visit.button('Try again').click();
  await visit.result.locator('.headline', { hasText: 'negative' }).waitFor();
  expect(await visit.tab.getByText('The server does not answer').count()).toBe(0);
  await visit.close(1);
});

test.skipIf(real)('cancelled, kept, and gone on with; another model for the file', async () => {
  const mock = await mockServer({ pause: 3, models: ['default', 'org/five-stars'] });
  const visit = await Visit.open(mock.url);
  await visit.tab.getByLabel('Model', { exact: true }).selectOption('org/five-stars');
  await visit.chooseFile('a.csv', reviews(600));
  await visit.analyze.click();
  await visit.tab.getByRole('progressbar', { name: 'Analyzing' }).waitFor();
  await visit.tab.getByText(/rows\/s · .* left/).waitFor();
  await visit.shot('running');
  await visit.button('Cancel').click();
  await visit.tab.getByText(/of 600 rows have an answer/).waitFor();
  mock.options.pause = 0;
  await visit.button('Go on').click();
  await visit.tab.getByText('600 rows in').waitFor();
  const labels = new Set(parseCsv(await visit.download('Download CSV')).slice(1).map(cells => cells[4]));
  expect(labels).toContain('Very Positive');
  await visit.close();
});
