// A browser, a server and a tab for the tests. VALENCE_URL or VALENCE_BINARY put the real server in the mock's place;
// VALENCE_PAGE=dist lets it answer with the page of this tree, whatever page it was built with.

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { MockServer, POLICY, type MockOptions } from '../mock-server';

export const GOOD = 'I love this, it is wonderful and great!';
export const BAD = 'I hate this, it is terrible and awful.';
export const HEBREW = 'אני אוהב את זה מאוד, תודה רבה!';
/** Of this tree, and with its own model: it tells languages and routes. */
export const realDefault = Boolean(process.env.VALENCE_BINARY);
export const real = Boolean(process.env.VALENCE_URL || process.env.VALENCE_BINARY);

const SCREENS = fileURLToPath(new URL('../screens/', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser: Browser;
let program: ChildProcess | null = null;
let realUrl = process.env.VALENCE_URL ?? '';
const mocks: MockServer[] = [];
const folder = mkdtempSync(join(tmpdir(), 'page-'));

async function startProgram(path: string): Promise<string> {
  program = spawn(path, ['serve', '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    const look = (data: Buffer) => {
      const address = /https?:\/\/[^\s/]+/.exec(data.toString());
      if (address) resolve(address[0]);
    };
    program!.stdout!.on('data', look);
    program!.stderr!.on('data', look);
    program!.on('exit', (code, signal) => console.log('server ended', code, signal));
    program!.on('exit', code => reject(new Error(`the server ended with ${code}`)));
  });
}

export function withBrowser() {
  beforeAll(async () => {
    mkdirSync(SCREENS, { recursive: true });
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'],
    });
    if (process.env.VALENCE_BINARY) realUrl = await startProgram(process.env.VALENCE_BINARY);
  });
  afterAll(async () => {
    await browser?.close();
    for (const mock of mocks) await mock.stop();
    program?.kill();
    rmSync(folder, { recursive: true });
  });
}

export async function mockServer(options: MockOptions = {}): Promise<MockServer> {
  const mock = await MockServer.start(options);
  mocks.push(mock);
  return mock;
}

/** The address of the real server, or of a mock. */
export async function serverUrl(options: MockOptions = {}): Promise<string> {
  return realUrl || (await mockServer(options)).url;
}

async function serveDist(context: BrowserContext, url: string) {
  const types = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
  for (const name of ['index.html', 'app.js', 'app.css', 'icon.svg']) {
    await context.route(name === 'index.html' ? `${url}/` : `${url}/${name}`, route => route.fulfill({
      body: readFileSync(fileURLToPath(new URL(`../../dist/${name}`, import.meta.url))),
      contentType: types[name.split('.')[1] as keyof typeof types],
      headers: { 'Content-Security-Policy': POLICY },
    }));
  }
}

/** A fresh tab that notes errors and requests to other hosts. */
export class Visit {
  errors: string[] = [];
  foreign: string[] = [];
  bytes = 0;

  private constructor(readonly tab: Page) {}

  static async open(url: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({ acceptDownloads: true, ...options });
    context.setDefaultTimeout(10_000);
    if (process.env.VALENCE_PAGE === 'dist') await serveDist(context, url);
    const visit = new Visit(await context.newPage());
    const session = await context.newCDPSession(visit.tab);
    await session.send('Network.enable');
    session.on('Network.loadingFinished', event => { visit.bytes += event.encodedDataLength; });
    visit.tab.on('console', message => { if (message.type() !== 'debug') visit.errors.push(message.text()); });
    visit.tab.on('pageerror', error => visit.errors.push(String(error)));
    visit.tab.on('request', request => {
      if (!request.url().startsWith(url) && !/^(blob|data):/.test(request.url())) visit.foreign.push(request.url());
    });
    await visit.tab.goto(url + '/', { waitUntil: 'load' });
    return visit;
  }

  get text() { return this.tab.getByRole('textbox', { name: 'Text', exact: true }); }
  get result() { return this.tab.getByRole('region', { name: 'Result', exact: true }); }
  get choose() { return this.tab.getByRole('button', { name: 'Choose file', exact: true }); }
  get analyze() { return this.tab.getByRole('button', { name: 'Analyze', exact: true }); }
  get chart() { return this.tab.getByRole('figure', { name: 'Distribution', exact: true }); }
  get rows() { return this.tab.getByRole('table', { name: 'Rows', exact: true }); }
  get downloadCsv() { return this.tab.getByRole('button', { name: 'Download CSV', exact: true }); }

  button(name: string | RegExp) { return this.tab.getByRole('button', { name, exact: typeof name === 'string' }); }

  async chooseFile(name: string, content: string) {
    const [chooser] = await Promise.all([this.tab.waitForEvent('filechooser'), this.choose.click()]);
    const path = join(folder, name);
    writeFileSync(path, content);
    await chooser.setFiles(path);
  }

  /** Chooses a file and waits until every row has its answer. */
  async analyzeFile(name: string, content: string) {
    await this.chooseFile(name, content);
    await this.analyze.click();
    await this.downloadCsv.waitFor({ timeout: 120_000 });
  }

  async download(name: string): Promise<string> {
    const [download] = await Promise.all([this.tab.waitForEvent('download'), this.button(name).click()]);
    return readFileSync(await download.path(), 'utf8');
  }

  /** No violations that axe finds, whatever their weight, and no page wider than the window. */
  async accessible() {
    await this.tab.evaluate(AXE);
    const found: any[] = await this.tab.evaluate('axe.run().then(result => result.violations)');
    expect(found.map(row => `${row.id} ${row.nodes.map((node: any) => node.target).join(' ')}`)).toEqual([]);
    const [wide, window] = await this.tab.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(wide).toBeLessThanOrEqual(window);
  }

  async shot(name: string) {
    await this.tab.screenshot({ path: `${SCREENS}${name}.png`, fullPage: true });
  }

  async close(expectedErrors = 0) {
    if (expectedErrors === 0) expect(this.errors).toEqual([]);
    expect(this.foreign).toEqual([]);
    await this.tab.context().close();
  }
}

/** Rows in eleven languages and in none; the first ones are the most frequent. */
export function manyLanguages(rows: number): string {
  const texts = [GOOD, HEBREW, 'Das Zimmer war gut und ruhig.', 'このホテルは最高です', 'فندق جميل جدا', 'Très bon, merci', 'Очень хорошо',
    '정말 좋아요', 'Muy bueno, gracias', 'Molto bello, grazie', 'Muito bom, obrigado', '12345'];
  const lines = Array.from({ length: rows }, (_, row) => texts[Math.floor((row * 37 % rows / rows) ** 2 * texts.length)]);
  return `id,text\n${lines.map((text, row) => `${row},"${text}"`).join('\n')}\n`;
}

export function reviews(rows: number): string {
  const texts = [GOOD, BAD, 'The parcel arrived on Tuesday.', 'A good room, but the worst breakfast.', HEBREW,
    'He said ""great, really""', 'Broke\r\nafter a day, sad.'];
  const lines = ['date,stars,city,text'];
  for (let row = 0; row < rows; row++) {
    const date = new Date(Date.UTC(2026, 0, 1) + (row * 7919 % 330) * 86_400_000).toISOString().slice(0, 10);
    lines.push(`${date},${row % 5 + 1},${['Oslo', 'Lima', 'Kyoto'][row % 3]},"${texts[(row * 31 + row % 11) % texts.length]} ${row}"`);
  }
  return lines.join('\n') + '\n';
}
