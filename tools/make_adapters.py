#!/usr/bin/env python3
"""Train adapters for other tasks on the default model, with the program itself.

    python tools/make_adapters.py --data DATA --out OUT [--tasks irony,offensive]

DATA holds one folder a set with train.tsv.gz and dev.tsv.gz (header "label<TAB>text", no quoting). OUT gets a folder for
each task, which `valence analyze --tasks OUT/irony` takes as it is. LoRA of rank 16 on all matrices of the last three layers: what lies below is computed once for all tasks. The best epoch by dev is kept.
"""
import argparse
import csv
import gzip
import os
import random
import subprocess

# Of a task: its set, the most rows, epochs, and options of its own.
TASKS = {
    'irony': ('en-tweeteval-irony', 10_000, 8, []),
    'offensive': ('en-tweeteval-offensive', 20_000, 4, []),
    'emotion': ('en-goemotions', 45_000, 3, ['--label-separator', ',', '--problem-type', 'multi_label_classification']),
    'sentiment-2': ('en-sst2', 30_000, 2, []),
    'sentiment-5': ('en-sst5', 10_000, 5, []),
}
LAYERS = (3, 4, 5)
MATRICES = ('attention.self.query', 'attention.self.key', 'attention.self.value', 'attention.output.dense',
            'intermediate.dense', 'output.dense')


def write_rows(data, name, split, most, path, seed):
    with gzip.open(os.path.join(data, name, split + '.tsv.gz'), 'rt', encoding='utf-8', newline='\n') as file:
        next(file)
        rows = [line.rstrip('\n').partition('\t') for line in file]
    rows = [(text, label) for label, _, text in rows if text.strip()]
    random.Random(seed).shuffle(rows)
    with open(path, 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['text', 'label'])
        writer.writerows(rows[:most])
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--tasks', default=','.join(TASKS))
    parser.add_argument('--model', default='default')
    parser.add_argument('--valence', default='build/release/valence')
    parser.add_argument('--learning-rate', default='1e-3')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    targets = ','.join(f'layer.{layer}.{matrix}' for layer in LAYERS for matrix in MATRICES)
    os.makedirs(options.out, exist_ok=True)
    for task in options.tasks.split(','):
        name, most, epochs, more = TASKS[task]
        rows = [write_rows(options.data, name, split, most, os.path.join(options.out, f'{task}-{split}.csv'), options.seed)
                for split in ('train', 'dev')]
        subprocess.run([options.valence, 'train', rows[0], '--text-column', 'text', '--label-column', 'label', '--model',
                        options.model, '-o', os.path.join(options.out, task), '--method', 'lora', '--targets', targets,
                        '--rank', '16', '--alpha', '32', '--dropout', '0.1', '--learning-rate', options.learning_rate,
                        '--validation', rows[1], '--epochs', str(epochs), '--batch-size', '32', '--accumulation', '1',
                        '--max-length', '64', '--log-every', '50', '--seed', str(options.seed), *more], check=True)


if __name__ == '__main__':
    main()
