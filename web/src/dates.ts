// Dates as people write them into tables. The order of day and month is settled for a column as a whole.

export type DateOrder = 'ymd' | 'dmy' | 'mdy';

const YEAR_FIRST = /^(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?:[T ](\d{1,2}):(\d{2}).*)?$/;
const YEAR_LAST = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?:[ ,T]+.*)?$/;
const DAY = 86_400_000;

function daysOf(year: number, month: number, day: number, hour = 0, minute = 0): number {
  if (month < 1 || month > 12 || day < 1 || day > 31 || year < 1000 || hour > 24 || minute > 59) return NaN;
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute));
  // The 31st of a month of 30 days is no date.
  return hour < 24 && date.getUTCDate() !== day ? NaN : date.getTime() / DAY;
}

/**
 * `03/04/2026` alone may be March or April. A first number above 12 anywhere in the column says day first; a second
 * number above 12 says month first; without either, dots and dashes mean day first and slashes month first.
 */
function yearLastOrder(values: string[]): DateOrder {
  let separator = '';
  for (const value of values) {
    const match = YEAR_LAST.exec(value.trim());
    if (!match) continue;
    if (Number(match[1]) > 12) return 'dmy';
    if (Number(match[3]) > 12) return 'mdy';
    separator ||= match[2];
  }
  return separator === '/' ? 'mdy' : 'dmy';
}

/** Days since 1970 of each value, NaN where it is no date. `order` receives how the column is read. */
export function parseDates(values: string[], order: { value?: DateOrder }): Float64Array {
  const days = new Float64Array(values.length).fill(NaN);
  let late: DateOrder | undefined;
  for (let row = 0; row < values.length; row++) {
    const value = values[row].trim();
    if (value.length < 6 || value.length > 40) continue;
    const first = YEAR_FIRST.exec(value);
    if (first) {
      days[row] = daysOf(+first[1], +first[2], +(first[3] ?? 1), +(first[4] ?? 0), +(first[5] ?? 0));
      continue;
    }
    const last = YEAR_LAST.exec(value);
    if (!last) continue;
    late ??= yearLastOrder(values);
    const year = last[4].length === 2 ? 2000 + Number(last[4]) : Number(last[4]);
    const [day, month] = late === 'dmy' ? [+last[1], +last[3]] : [+last[3], +last[1]];
    days[row] = daysOf(year, month, day);
  }
  order.value = late ?? 'ymd';
  return days;
}

export type Step = 'day' | 'week' | 'month' | 'quarter' | 'year';

/** The finest step that gives at most 60 points over a span of days. */
export function stepFor(span: number): Step {
  if (span <= 60) return 'day';
  if (span <= 60 * 7) return 'week';
  if (span <= 60 * 30.5) return 'month';
  return span <= 60 * 91 ? 'quarter' : 'year';
}

/** The first day of the step in which a day lies. */
export function stepStart(day: number, step: Step): number {
  const whole = Math.floor(day);
  if (step === 'day') return whole;
  if (step === 'week') return whole - (((whole + 3) % 7) + 7) % 7;    // day 0, 1970-01-01, was a Thursday
  const date = new Date(whole * DAY);
  const month = date.getUTCMonth();
  const first = step === 'month' ? month : step === 'quarter' ? month - (month % 3) : 0;
  return Date.UTC(date.getUTCFullYear(), first, 1) / DAY;
}

export function stepText(start: number, step: Step): string {
  const text = new Date(start * DAY).toISOString();
  if (step === 'year') return text.slice(0, 4);
  if (step === 'quarter') return `${text.slice(0, 4)} Q${Math.floor((Number(text.slice(5, 7)) - 1) / 3) + 1}`;
  return step === 'month' ? text.slice(0, 7) : text.slice(0, 10);
}
