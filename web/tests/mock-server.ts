// A server with the interface of `valence serve` and answers from a short list of words, for the tests of the page.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AddressInfo } from 'node:net';

export interface MockOptions {
  key?: string;
  models?: string[];            // the first one is the default
  languages?: boolean;          // results carry `language`
  routes?: boolean;             // results carry all that a server tells that routes texts by their language
  pause?: number;               // milliseconds before each answer of a stream
  dieAfter?: number;            // documents of streams; then the connection breaks and the server is gone
  late?: number;                // so many documents of streams are refused for now first
  busy?: number;                // so many streams are answered with 429 first
  port?: number;
  dist?: string;
}

const FILES: Record<string, string> = {
  'index.html': 'text/html; charset=utf-8', 'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8', 'icon.svg': 'image/svg+xml',
};
export const POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const GOOD = /^(love|great|wonderful|good|lovely|best|happy|gut|אוהב|תודה)$/iu;
const BAD = /^(hate|terrible|awful|bad|sad|worst|broke|schlecht)$/iu;
// What a text must hold to be in a language, and the route that the language takes.
const LANGUAGES: [RegExp, string, string][] = [
  [/[א-ת]/, 'he', 'translated'], [/[ぁ-ヿ]/, 'ja', 'multilingual'], [/[؀-ۿ]/, 'ar', 'multilingual'],
  [/[а-я]/i, 'ru', 'multilingual'], [/[가-힣]/, 'ko', 'multilingual'], [/\b(gut|schlecht|und)\b/i, 'de', 'multilingual'],
  [/\b(bon|merci)\b/i, 'fr', 'multilingual'], [/\b(muy|gracias)\b/i, 'es', 'multilingual'],
  [/\b(molto|grazie)\b/i, 'it', 'multilingual'], [/\b(muito|obrigado)\b/i, 'pt', 'multilingual'],
  [/[a-z]{2}/i, 'en', 'native'], [/^/, 'und', 'native'],
];
const LABELS = ['negative', 'neutral', 'positive'];
const STARS = ['Very Negative', 'Negative', 'Neutral', 'Positive', 'Very Positive'];
const DIST = fileURLToPath(new URL('../dist/', import.meta.url));

interface Asked {
  id: string;
  text: unknown;
}

function softmax(logits: number[]): number[] {
  const powers = logits.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map(power => power / sum);
}

function balance(text: string): number {
  return (text.match(/[\p{L}\p{M}]+/gu) ?? []).reduce((sum, word) =>
    sum + (GOOD.test(word) ? 1 : BAD.test(word) ? -1 : 0), 0);
}

function classify(text: string, stars: boolean) {
  const labels = stars ? STARS : LABELS;
  const value = Math.max(-2.5, Math.min(2.5, balance(text)));
  const middle = (labels.length - 1) / 2;
  const probabilities = softmax(labels.map((_, index) => -Math.abs(index - middle - value * (stars ? 0.8 : 1)) * 2));
  const best = probabilities.indexOf(Math.max(...probabilities));
  const polarity = probabilities.reduce((sum, share, index) => sum + share * (index - middle) / middle, 0);
  const scores = Object.fromEntries(labels.map((label, index) => [label, probabilities[index]]));
  return { label: labels[best], score: probabilities[best], scores, polarity };
}

function explanation(text: string) {
  const side = balance(text) < 0 ? -1 : 1;
  return [...text.matchAll(/[\p{L}\p{M}]+/gu)].map(match => ({
    begin: match.index, end: match.index + match[0].length, text: match[0],
    weight: GOOD.test(match[0]) ? 0.4 * side : BAD.test(match[0]) ? -0.3 * side : 0,
  }));
}

interface AnswerOptions extends Pick<MockOptions, 'languages' | 'routes'> {
  stars?: boolean;
  explain?: boolean;
  tasks?: string[];
}

function routing(text: string, { languages, routes, tasks = [] }: AnswerOptions) {
  const [, language, route] = LANGUAGES.find(([sign]) => sign.test(text))!;
  const warnings = [...(language === 'fr' ? ['translation_empty'] : []),
    ...(route === 'multilingual' && tasks.some(task => task !== 'sentiment') ? ['tasks_unavailable'] : [])];
  return {
    ...(languages || routes ? { language } : {}),
    ...(routes ? { language_confidence: language === 'und' ? 0 : 0.9731, route } : {}),
    ...(routes && route === 'translated' ? { translation: 'I love this very much, thank you very much!' } : {}),
    ...(routes && warnings.length > 0 ? { warnings } : {}),
  };
}

export function answerTo(asked: Asked, options: AnswerOptions) {
  if (typeof asked.text !== 'string') return { id: asked.id, error: { code: 'not_text', message: 'the text is not a string' } };
  if (asked.text.trim() === '') return { id: asked.id, error: { code: 'empty_text', message: 'the text is empty' } };
  const way = routing(asked.text, options);
  const irony = { label: 'non_irony', score: 0.93, scores: { non_irony: 0.93, irony: 0.07 } };
  return {
    id: asked.id, ...classify(asked.text, options.stars ?? false), tokens: asked.text.split(/\s+/).length + 2, windows: 1,
    truncated: false, ...(options.explain ? { explanation: explanation(asked.text) } : {}),
    ...way, ...(options.tasks?.includes('irony') && !way.warnings?.includes('tasks_unavailable') ? { tasks: { irony } } : {}),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

export class MockServer {
  url = '';
  requests: string[] = [];
  streamed = 0;
  alive = true;
  private server: Server;

  private constructor(public options: MockOptions) {
    this.server = createServer((request, response) => {
      void this.handle(request, response).catch(() => response.destroy());
    });
  }

  static async start(options: MockOptions = {}): Promise<MockServer> {
    const mock = new MockServer(options);
    await new Promise<void>(resolve => mock.server.listen(options.port ?? 0, '127.0.0.1', resolve));
    mock.url = `http://127.0.0.1:${(mock.server.address() as AddressInfo).port}`;
    return mock;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  async stop() {
    if (!this.alive) return;
    this.alive = false;
    const closed = new Promise(resolve => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  private async handle(request: IncomingMessage, response: ServerResponse) {
    const path = new URL(request.url!, this.url).pathname;
    this.requests.push(`${request.method} ${path}`);
    const file = path === '/' ? 'index.html' : path.slice(1);
    if (request.method === 'GET' && file in FILES) {
      response.writeHead(200, { 'Content-Type': FILES[file], 'Content-Security-Policy': POLICY });
      response.end(readFileSync((this.options.dist ?? DIST) + file));
    } else if (path === '/health') {
      this.json(response, 200, { status: 'ok' });
    } else if (this.options.key && request.headers.authorization !== `Bearer ${this.options.key}`) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      this.json(response, 401, { error: { code: 'unauthorized', message: 'a key is needed' } });
    } else if (path.startsWith('/v1/models')) {
      this.models(path, response);
    } else if (path === '/v1/analyze' && request.method === 'POST') {
      await this.analyze(await bodyOf(request), response);
    } else if (path === '/v1/analyze/stream' && request.method === 'POST') {
      await this.stream(request, response);
    } else {
      this.json(response, 404, { error: { code: 'not_found', message: 'no such path' } });
    }
  }

  private json(response: ServerResponse, status: number, value: unknown) {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(value));
  }

  private models(path: string, response: ServerResponse) {
    const data = (this.options.models ?? ['default']).map(id => ({
      id, object: 'model', model: id, revision: 'abc123', sha256: '0123456789abcdef'.repeat(4), dtype: 'int8', device: 'cpu',
      labels: id.includes('stars') ? STARS : LABELS, bytes: 23_456_789, license: 'Apache-2.0', multi_label: false,
      tasks: id.includes('stars') ? [{ name: 'sentiment', labels: STARS }]
        : [{ name: 'sentiment', labels: LABELS }, { name: 'irony', labels: ['non_irony', 'irony'] }],
    }));
    if (path === '/v1/models') return this.json(response, 200, { object: 'list', data });
    const found = data.find(model => `/v1/models/${model.id}` === path);
    if (!found) return this.json(response, 404, { error: { code: 'model_not_found', message: 'no such model' } });
    this.json(response, 200, { ...found, card: `# ${found.id}\n\nA **model** for \`tests\`.\n\n- <script>alert(1)</script>\n` });
  }

  private async analyze(body: string, response: ServerResponse) {
    const { documents, model, explain, tasks } = JSON.parse(body);
    const stars = (model ?? this.options.models?.[0] ?? '').includes('stars');
    const { languages, routes } = this.options;
    const all = documents.map((asked: Asked) => answerTo(asked, { stars, explain, tasks, languages, routes }));
    this.json(response, 200, {
      documents: all.filter((answer: any) => !answer.error),
      errors: all.filter((answer: any) => answer.error).map(({ id, error }: any) => ({ id, ...error })),
      model: { name: model ?? 'default' },
    });
  }

  private async stream(request: IncomingMessage, response: ServerResponse) {
    const body = await bodyOf(request);
    if (this.options.busy) {
      this.options.busy--;
      response.setHeader('Retry-After', '1');
      return this.json(response, 429, { error: { code: 'busy', message: 'the queue is full' } });
    }
    const lines = request.headers['content-type'] === 'application/x-ndjson';
    const parsed = lines ? { documents: body.trim().split('\n').map(line => JSON.parse(line)) } : JSON.parse(body);
    const stars = (parsed.model ?? '').includes('stars');
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    let out = '';
    for (const asked of parsed.documents.reverse()) {       // in any order: the page must not rely on one
      const late = (this.options.late ?? 0) > 0 && this.options.late!--;
      const answer = late ? { id: asked.id, error: { code: 'late', message: 'the engine is busy' } }
        : answerTo(asked, { stars, languages: this.options.languages, routes: this.options.routes });
      out += JSON.stringify(answer) + '\n';
      this.streamed++;
      if (this.options.dieAfter && this.streamed > this.options.dieAfter) {
        response.write(out.slice(0, -20));                  // in the middle of a line
        await new Promise(resolve => setTimeout(resolve, 30));
        return void this.stop();
      }
      if (this.options.pause) {
        response.write(out);
        out = '';
        await new Promise(resolve => setTimeout(resolve, this.options.pause));
      }
    }
    response.end(out);
  }
}
