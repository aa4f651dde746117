#!/usr/bin/env python3
"""What 4 bits and low rank cost in accuracy: full fine-tuning and QLoRA from the same model, on the same rows.

    python3 bench/compare_methods.py ROWS DEV --model M [--seeds 3] [--epochs 3] [--threads 2] [--full "..."] [--qlora "..."]

ROWS and DEV are CSV files with the columns text and label. Each method is trained once with each seed (which draws the head
and the order of the rows) and its best epoch on DEV counts; --full and --qlora are further options of `valence train` for
one method. Needs nothing but Python's own library.
"""
import argparse
import json
import os
import shlex
import statistics
import subprocess
import tempfile

METHODS = ('full', 'qlora')


def run(options, method, seed, folder):
    """Accuracy on DEV of the weights that were kept, texts a second, and the process' peak memory in MB."""
    out = os.path.join(folder, f'{method}-{seed}')
    command = [options.valence, 'train', options.rows, '--text-column', 'text', '--label-column', 'label', '--model',
               options.model, '--validation', options.dev, '--method', method, '--epochs', str(options.epochs),
               '--max-length', '64', '--threads', str(options.threads), '--seed', str(seed), '-o', out,
               *shlex.split(getattr(options, method))]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f'{shlex.join(command)}\n{said}')
    with open(os.path.join(out, 'trainer_state.json'), encoding='utf-8') as file:
        history = json.load(file)['log_history']
    # What `train` keeps is the evaluation of the best macro-F1.
    best = max((entry for entry in history if 'eval_accuracy' in entry), key=lambda entry: entry['eval_macro_f1'])
    rate = float(said.rsplit(' texts/s; ', 1)[0].rsplit(' ', 1)[1])
    return best['eval_accuracy'], rate, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('rows')
    parser.add_argument('dev')
    parser.add_argument('--model', required=True)
    parser.add_argument('--valence', default='build/release/valence')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--epochs', type=int, default=3)
    parser.add_argument('--threads', type=int, default=2)
    for method in METHODS:
        parser.add_argument('--' + method, default='')
    options = parser.parse_args()
    print(f'{"method":8} {"seed":>4} {"accuracy":>9} {"texts/s":>8} {"MB":>6}', flush=True)
    means = []
    with tempfile.TemporaryDirectory() as folder:
        for method in METHODS:
            found = []
            for seed in range(1, options.seeds + 1):
                found.append(run(options, method, seed, folder))
                print('{:8} {:>4} {:>9.4f} {:>8.1f} {:>6.0f}'.format(method, seed, *found[-1]), flush=True)
            accuracies = [accuracy for accuracy, _, _ in found]
            spread = statistics.stdev(accuracies) if len(accuracies) > 1 else 0
            means.append(statistics.mean(accuracies))
            print(f'{method:8} mean {means[-1]:>9.4f}, standard deviation {spread:.4f}', flush=True)
    print(f'QLoRA less full: {100 * (means[1] - means[0]):+.2f} points')


if __name__ == '__main__':
    main()
