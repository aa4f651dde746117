#!/usr/bin/env python3
"""Measure a three-class model on the sentiment sets of many languages.

    python tools/eval_multilingual.py --data DATA --model MODEL [--split dev] [--most 1000] [--valence PATH]

DATA is as make_multilingual.py wants it; sets that were not trained on are measured too. Of each set only its own classes
are compared. Prints macro-F1 for each set, for each language the mean of its sets with neutral (of all sets where it has
none), and the means that MARKS.md of the data compares with.
"""
import argparse
import csv
import json
import os
import random
import subprocess
import tempfile

from sentiment_sets import LABELS, is_emotion, read, sets_of

CORE = 'ar de en es fr it ko nl pl pt ru th tr zh'.split()


def macro_f1(pairs, classes):
    scores = []
    for label in classes:
        right = sum(1 for truth, answer in pairs if truth == answer == label)
        wrong = sum(1 for truth, answer in pairs if (truth == label) != (answer == label))
        scores.append(2 * right / (2 * right + wrong) if right or wrong else 0)
    return sum(scores) / len(scores)


def measure(options):
    """{set: (macro-F1, classes, rows)}"""
    rows = []
    for name in sorted(sets_of(options.data, 'all')):
        if is_emotion(name) or not any(part in name for part in options.sets.split(',')):
            continue
        some = read(options.data, name, options.split)
        random.Random(1).shuffle(some)
        rows += [(name, label, text) for text, label in some[:options.most]]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'rows.csv')
        with open(path, 'w', encoding='utf-8', newline='') as file:
            writer = csv.writer(file)
            writer.writerow(['text'])
            writer.writerows([text] for _, _, text in rows)
        done = subprocess.run([options.valence, 'analyze', '--file', path, '--text-column', 'text', '--format', 'jsonl',
                               '--quiet', '--long', 'truncate', '--model', options.model], capture_output=True, text=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(rows):
        raise SystemExit(f'{len(rows)} rows, {len(answers)} answers: {done.stderr[-500:]}')
    sets = {}
    for (name, label, _), answer in zip(rows, answers):
        sets.setdefault(name, []).append((label, answer['scores']))
    figures = {}
    for name, pairs in sets.items():
        classes = [label for label in LABELS if any(truth == label for truth, _ in pairs)]
        answered = [(truth, max(classes, key=scores.get)) for truth, scores in pairs]
        figures[name] = (macro_f1(answered, classes), len(classes), len(pairs))
    return figures


def language(name):
    parts = name.split('-')
    return '-'.join(parts[:2]) if parts[1] in ('latn', 'mz', 'br') else parts[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True)
    parser.add_argument('--model', required=True)
    parser.add_argument('--split', default='dev')
    parser.add_argument('--most', type=int, default=1000)
    parser.add_argument('--sets', default='', help='parts of their names, between commas: umsab,en-sst2')
    parser.add_argument('--valence', default='build/release/valence')
    options = parser.parse_args()
    figures = measure(options)
    languages = {}
    for name, (figure, classes, rows) in figures.items():
        print(f'{name:28} {figure:.3f}  {classes} classes, {rows} rows')
        languages.setdefault(language(name), []).append((classes, figure))
    means = {}
    for code, sets in languages.items():
        chosen = [figure for classes, figure in sets if classes == 3] or [figure for _, figure in sets]
        means[code] = sum(chosen) / len(chosen)
    print('languages:', ', '.join(f'{code} {mean:.3f}' for code, mean in sorted(means.items())))
    if options.sets:
        print(f'mean of {len(figures)} sets {sum(figure for figure, _, _ in figures.values()) / len(figures):.3f}')
        return
    umsab = [figure for name, (figure, _, _) in figures.items() if name.endswith('umsab')]
    print(f'mean of umsab {sum(umsab) / len(umsab):.3f}, of the core languages '
          f'{sum(means[code] for code in CORE) / len(CORE):.3f}, of all {len(means)} {sum(means.values()) / len(means):.3f}')


if __name__ == '__main__':
    main()
