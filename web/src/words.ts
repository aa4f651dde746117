// The words that go with each class: log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn,
// "Fightin' Words", 2008, equations 15 to 22), where the prior is the whole file.

export interface WordScore {
  word: string;
  z: number;          // log-odds ratio of the class against the others, over its standard deviation
  count: number;      // rows of the class that hold the word
}

const WORD = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:['’][\p{L}\p{M}]+)*/gu;
// Scripts that put no spaces between words.
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u;
const MOST_WORDS = 200_000;
const MOST_CHARACTERS = 20_000;
let segmenter: Intl.Segmenter | undefined;

function* pieces(run: string): Generator<string> {
  if (!UNSPACED.test(run)) {
    if (run.length > 1 && run.length <= 40 && !/^\p{N}+$/u.test(run)) yield run;
    return;
  }
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'word' });
  for (const part of segmenter.segment(run)) {
    if (part.isWordLike && [...part.segment].length > 1) yield part.segment;
  }
}

/** The distinct words of a text in lower case. Links and names of users are left out. */
export function wordsOf(text: string): Set<string> {
  const words = new Set<string>();
  const clean = text.slice(0, MOST_CHARACTERS).toLowerCase().replace(/https?:\/\/\S+|@\w+/g, ' ');
  for (const [run] of clean.matchAll(WORD)) for (const word of pieces(run)) words.add(word);
  return words;
}

export class WordCounts {
  private counts = new Map<string, Int32Array>();     // rows of each class that hold the word
  private totals: Float64Array;

  constructor(readonly classes: number) {
    this.totals = new Float64Array(classes);
  }

  add(text: string, label: number) {
    if (label >= this.classes) return;
    for (const word of wordsOf(text)) {
      let counts = this.counts.get(word);
      if (!counts) this.counts.set(word, counts = new Int32Array(this.classes));
      counts[label]++;
      this.totals[label]++;
    }
    if (this.counts.size > MOST_WORDS) this.prune();
  }

  /** Words seen once say nothing yet and are most of a large vocabulary. */
  private prune() {
    for (const [word, counts] of this.counts) if (counts.reduce((a, b) => a + b, 0) < 2) this.counts.delete(word);
  }

  /** The words that speak most for a class, those within chance (z < 1.96) left out. */
  top(label: number, most: number): WordScore[] {
    const all = this.totals.reduce((a, b) => a + b, 0);
    const inside = this.totals[label];
    const outside = all - inside;
    // As heavy as a tenth of the smaller side: enough to tame rare words, not enough to hide common ones.
    const prior = Math.max(10, Math.min(inside, outside) / 10);
    const found: WordScore[] = [];
    if (inside === 0 || outside === 0) return found;
    for (const [word, counts] of this.counts) {
      const count = counts[label];
      if (count < 2) continue;
      const total = counts.reduce((a, b) => a + b, 0);
      const weight = prior * total / all;
      const [here, there] = [count + weight, total - count + weight];
      const odds = Math.log(here / (inside + prior - here)) - Math.log(there / (outside + prior - there));
      const z = odds / Math.sqrt(1 / here + 1 / there);
      if (z > 1.96) found.push({ word, z, count });
    }
    return found.sort((a, b) => b.z - a.z).slice(0, most);
  }
}
