// What a label's name says about its side, its place in a row of classes and its colour.

/** -2 (very negative) to 2 (very positive), or null when the name says nothing about it. */
export function side(label: string): number | null {
  const name = label.toLowerCase();
  const stars = /^([1-5])[ _-]*stars?$/.exec(name);
  if (stars) return Number(stars[1]) - 3;
  const strong = /very|extreme|strong/.test(name) ? 2 : 1;
  if (/(^|[^a-z])neg(ative)?([^a-z]|$)/.test(name)) return -strong;
  if (/(^|[^a-z])pos(itive)?([^a-z]|$)/.test(name)) return strong;
  if (/(^|[^a-z])neu(tral)?([^a-z]|$)/.test(name)) return 0;
  return null;
}

/** Indexes of the labels from the most negative to the most positive; as given when a side is unknown. */
export function displayOrder(labels: string[]): number[] {
  const sides = labels.map(side);
  const order = labels.map((_, index) => index);
  if (sides.some(value => value === null)) return order;
  return order.sort((a, b) => sides[a]! - sides[b]!);
}

/** The class of CSS that colours a label. */
export function tone(label: string, labels: string[]): string {
  const value = side(label);
  if (value !== null) return `tone-${value < 0 ? 'n' : value > 0 ? 'p' : ''}${Math.abs(value)}`;
  return `tone-c${Math.max(0, labels.indexOf(label)) % 6}`;
}

/** negative, neutral or positive: by the label's name, else by the polarity, else unknown. */
export function verdict(label: string, polarity?: number | null): string | null {
  const value = side(label);
  const number = value ?? (typeof polarity === 'number' ? (Math.abs(polarity) < 1 / 3 ? 0 : polarity) : null);
  if (number === null) return null;
  return number < 0 ? 'negative' : number > 0 ? 'positive' : 'neutral';
}
