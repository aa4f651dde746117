// JSON Lines. Values are kept as they were written: an id of 19 digits would not survive a JavaScript number.

export interface JsonRow {
  fields: Map<string, string>;    // strings decoded, null empty, everything else in its own characters
  fault: string;                  // empty, or why the line cannot be used
}

/** Takes a text in pieces and gives its lines, without LF or CRLF. Blank lines are none. */
export class LineSplitter {
  private parts: string[] = [];

  constructor(private readonly emit: (line: string) => void) {}

  push(piece: string) {
    let from = 0;
    for (let end = piece.indexOf('\n'); end >= 0; end = piece.indexOf('\n', from)) {
      this.parts.push(piece.slice(from, end));
      this.flush();
      from = end + 1;
    }
    if (from < piece.length) this.parts.push(piece.slice(from));
  }

  end() {
    if (this.parts.length > 0) this.flush();
  }

  private flush() {
    let line = this.parts.length === 1 ? this.parts[0] : this.parts.join('');
    this.parts = [];
    if (line.endsWith('\r')) line = line.slice(0, -1);
    if (line.trim() !== '') this.emit(line);
  }
}

export function readJsonLine(line: string): JsonRow {
  const row: JsonRow = { fields: new Map(), fault: '' };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    row.fault = 'invalid_json: the line is no JSON';
    return row;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    row.fault = 'not_an_object: the line is no JSON object';
    return row;
  }
  for (const [key, raw] of members(line)) {
    if (row.fields.has(key)) row.fault = `repeated_key: the field ${JSON.stringify(key)} stands twice`;
    row.fields.set(key, raw.startsWith('"') ? JSON.parse(raw) : raw === 'null' ? '' : raw);
  }
  return row;
}

/** Whether a field of a line is a string; missing_text and not_text are told apart. */
export function textFault(line: string, field: string): string {
  const value = JSON.parse(line);
  if (!Object.hasOwn(value, field)) return `missing_text: the line has no field ${JSON.stringify(field)}`;
  return typeof value[field] === 'string' ? '' : 'not_text: the value is not a string';
}

/** The members of a line that is known to be a valid object, with the characters of their values. */
function* members(line: string): Generator<[string, string]> {
  let at = line.indexOf('{') + 1;
  for (;;) {
    const open = line.indexOf('"', at);
    if (open < 0) return;
    const close = endOfString(line, open);
    const key = JSON.parse(line.slice(open, close));
    const begin = line.indexOf(':', close) + 1;
    at = endOfValue(line, begin);
    yield [key, line.slice(begin, at).trim()];
  }
}

function endOfString(line: string, open: number): number {
  let at = open + 1;
  for (;;) {
    const quote = line.indexOf('"', at);
    let slashes = 0;
    while (line[quote - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** The place of the comma or brace that ends a value. */
function endOfValue(line: string, begin: number): number {
  let depth = 0;
  for (let at = begin; at < line.length; at++) {
    const character = line[at];
    if (character === '"') at = endOfString(line, at) - 1;
    else if (character === '{' || character === '[') depth++;
    else if (character === ']' || (character === '}' && depth > 0)) depth--;
    else if (depth === 0 && (character === ',' || character === '}')) return at;
  }
  return line.length;
}

/** A line with more members at its end; everything else stays as it was written. */
export function withMembers(line: string, added: Record<string, unknown>): string {
  const text = JSON.stringify(added).slice(1);
  const open = line.indexOf('{');
  const close = line.lastIndexOf('}');
  const empty = line.slice(open + 1, close).trim() === '';
  return `${line.slice(0, close).trimEnd()}${empty ? '' : ','}${text}`;
}
