// The HTTP interface of the server, and the one place from which the page asks for anything.

export interface TaskAnswer {
  label: string;
  score: number;
  scores: Record<string, number>;
}

export interface Weight {
  begin: number;
  end: number;
  text: string;
  weight: number;
}

export interface DocumentAnswer extends TaskAnswer {
  id: string;
  polarity?: number | null;
  tokens?: number;
  windows?: number;
  truncated?: boolean;
  // Of a server that routes texts by their language only.
  language?: string;                // ISO 639, or `und`
  language_confidence?: number;
  route?: string;
  translation?: string;
  warnings?: string[];
  tasks?: Record<string, TaskAnswer>;
  explanation?: Weight[];
}

/** What is wrong with one document of a request. */
export interface DocumentError {
  code: string;
  message: string;
}

export interface ModelInfo {
  id: string;
  revision?: string;
  sha256?: string;
  dtype?: string;
  device?: string;
  labels?: string[];
  tasks?: { name: string; labels: string[] }[];
  bytes?: number;
  license?: string;
  multi_label?: boolean;
  card?: string;
}

export class ApiError extends Error {
  constructor(readonly code: string, message: string, readonly status = 0, readonly retryAfter = 1) {
    super(message);
  }
}

export interface AnalyzeOptions {
  model?: string;
  tasks?: string[];
  explain?: boolean;
  signal?: AbortSignal;
}

const KEY = 'valence-key';
let keyInMemory: string | null = null;      // for browsers that are set to store nothing
let askKey: (wrong: boolean) => Promise<string | null> = async () => null;
let asking: Promise<string | null> | null = null;

/** Who is asked for the key when the server wants one. */
export function onKeyWanted(ask: typeof askKey) {
  askKey = ask;
}

function storedKey(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return keyInMemory;
  }
}

function storeKey(key: string) {
  keyInMemory = key;
  try {
    sessionStorage.setItem(KEY, key);
  } catch {
    // It stays in memory and is asked for again after a reload.
  }
}

async function newKey(used: string | null): Promise<string> {
  const stored = storedKey();
  if (stored !== used && stored) return stored;
  asking ??= askKey(used !== null).finally(() => { asking = null; });
  const key = await asking;
  if (!key) throw new ApiError('unauthorized', 'The server asks for a key. Without it nothing can be analyzed.', 401);
  storeKey(key);
  return key;
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** A request that carries the key if there is one and asks for it when it is missing or wrong. */
export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  let key = storedKey();
  for (;;) {
    const headers = new Headers(options.headers);
    if (key) headers.set('Authorization', `Bearer ${key}`);
    let response: Response;
    try {
      response = await fetch(path, { ...options, headers, credentials: 'omit', cache: 'no-store' });
    } catch (error) {
      if (isAbort(error) || options.signal?.aborted) throw error;
      throw new ApiError('unreachable', 'The server does not answer. Is valence serve still running?');
    }
    if (response.status !== 401) return response;
    await response.body?.cancel();
    key = await newKey(key);
  }
}

/** The error that an answer with another status than 200 stands for, in words. */
export async function errorOf(response: Response): Promise<ApiError> {
  const seconds = Number(response.headers.get('Retry-After'));
  let code = 'http';
  let message = `The server answered with status ${response.status}.`;
  try {
    const error = (await response.json()).error;
    if (typeof error?.message === 'string') message = error.message;
    if (typeof error?.code === 'string') code = error.code;
  } catch {
    // A proxy in between may answer with anything; the status is then all there is to say.
  }
  return new ApiError(code, message, response.status, seconds > 0 ? Math.min(seconds, 60) : 1);
}

async function json(response: Response): Promise<any> {
  if (!response.ok) throw await errorOf(response);
  try {
    return await response.json();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError('unreachable', 'The connection to the server was lost before the answer was complete.');
  }
}

/** One text; what is wrong with the text itself comes as an ApiError too. */
export async function analyze(text: string, options: AnalyzeOptions = {}): Promise<DocumentAnswer> {
  const { signal, ...rest } = options;
  const body = JSON.stringify({
    documents: [{ id: '1', text }], ...rest, ...(rest.explain ? { stringIndexType: 'utf16CodeUnits' } : {}),
  });
  const answer = await json(await request('./v1/analyze', {
    method: 'POST', body, headers: { 'Content-Type': 'application/json' }, signal,
  }));
  const error = answer.errors?.[0];
  if (error) throw new ApiError(error.code, error.message, 200);
  if (!answer.documents?.[0]) throw new ApiError('http', 'The server answered without a result.');
  return answer.documents[0];
}

export async function listModels(): Promise<ModelInfo[]> {
  return (await json(await request('./v1/models'))).data ?? [];
}

export async function modelCard(name: string): Promise<string> {
  // A name may hold a slash (org/name); the server reads the rest of the path as the name.
  const path = name.split('/').map(encodeURIComponent).join('/');
  return (await json(await request(`./v1/models/${path}`))).card ?? '';
}
