// How numbers, labels and times are written for people.

const PAGE_LANGUAGE = 'en';         // as in index.html
const grouped = new Intl.NumberFormat(PAGE_LANGUAGE);

export function count(value: number): string {
  return grouped.format(value);
}

/** `1 row`, `2,000 rows`. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

export function percent(share: number): string {
  const value = share * 100;
  if (value > 99.95 && value < 100) return '>99.9%';
  return `${value < 10 || value > 99 ? value.toFixed(1) : value.toFixed(0)}%`;
}

/** A polarity or a weight, always signed, with the true minus. */
export function signed(value: number, digits = 2): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return (value < 0 ? '−' : '+') + text;
}

export function duration(seconds: number): string {
  if (seconds < 1) return 'less than a second';
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

export function milliseconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let unit = -1;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** A label as the API names it, with spaces for underscores. */
export function labelText(label: string): string {
  return label.replaceAll('_', ' ');
}

let languageNames: Intl.DisplayNames | undefined;

/** `de` becomes `German`; what is no code of a language stays as it is. */
export function languageText(code: string): string {
  try {
    languageNames ??= new Intl.DisplayNames(PAGE_LANGUAGE, { type: 'language' });
    return code === 'und' ? 'undetermined' : languageNames.of(code) ?? code;
  } catch {
    return code;
  }
}
