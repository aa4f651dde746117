#!/usr/bin/env python3
"""Measure the adapters that the program carries, or those of a folder.

    python tools/eval_adapters.py --data DATA [--adapters DIR] [--model MODEL] [--split test] [--valence PATH]

DATA is as make_adapters.py wants it. Prints accuracy (all labels of a row right) and macro-F1.
"""
import argparse
import csv
import json
import os
import subprocess
import tempfile

from make_adapters import TASKS, read_rows


def is_carried(task):
    return os.path.isdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'models', 'adapters', task))


def answers(options, task, texts):
    """The scores of a task by label, and its label, for each text."""
    name = os.path.join(options.adapters, task) if options.adapters else task
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'rows.csv')
        with open(path, 'w', encoding='utf-8', newline='') as file:
            csv.writer(file).writerows([['text']] + [[text] for text in texts])
        done = subprocess.run([options.valence, 'analyze', '--file', path, '--text-column', 'text', '--format', 'jsonl',
                               '--quiet', '--model', options.model, '--tasks', name], capture_output=True, text=True)
    rows = [json.loads(line)['tasks'][task] for line in done.stdout.splitlines()]
    if len(rows) != len(texts):
        raise SystemExit(f'{len(texts)} rows, {len(rows)} answers: {done.stderr[-500:]}')
    return rows


def f1(pairs, label):
    """Of (true, said) sets of labels."""
    right = sum(1 for truth, said in pairs if label in truth and label in said)
    given = sum((label in truth) + (label in said) for truth, said in pairs)
    return 2 * right / given if given else 0


def labels_said(task, answer):
    """The label; where a text may have several, those of a score of a half or more."""
    if task != 'emotion':
        return {answer['label']}
    return {label for label, score in answer['scores'].items() if score >= 0.5}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True)
    parser.add_argument('--adapters', help='a folder of adapters; without it those that the program carries')
    parser.add_argument('--model', default='default')
    parser.add_argument('--tasks', default=','.join(filter(is_carried, TASKS)))
    parser.add_argument('--split', default='test')
    parser.add_argument('--valence', default='build/release/valence')
    options = parser.parse_args()
    for task in options.tasks.split(','):
        rows = read_rows(options.data, task, options.split)
        pairs = [(set(labels.split(',')), labels_said(task, answer))
                 for (_, labels), answer in zip(rows, answers(options, task, [text for text, _ in rows]))]
        labels = sorted(set.union(*(truth for truth, _ in pairs)))
        macro = sum(f1(pairs, label) for label in labels) / len(labels)
        accuracy = sum(truth == answer for truth, answer in pairs) / len(pairs)
        print(f'{task:12} {options.split} {len(pairs):6} rows, {len(labels)} labels: accuracy {accuracy:.3f}, macro-F1 {macro:.3f}',
              flush=True)


if __name__ == '__main__':
    main()
