#!/usr/bin/env python3
"""Texts a second of `valence detect` on one core, beside fastText's own prediction alone.

    pip install fasttext-predict
    bench/compare_detectors.py PROGRAM LINES.txt [--core N] [--rounds N]

Both run alternately on the same core; the start of the program and the loading of the model do not count. fastText gives
one label for the raw line, no script, parts or abstention.
"""
import argparse
import os
import statistics
import subprocess
import tempfile
import time

import fasttext

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def seconds_of_program(program, path):
    started = time.perf_counter()
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run([program, 'detect', '--threads', '1', '-o', out.name, path], check=True)
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program')
    parser.add_argument('lines')
    parser.add_argument('--core', type=int, default=0)
    parser.add_argument('--rounds', type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})
    with open(options.lines, encoding='utf-8') as file:
        texts = file.read().split('\n')[:-1]
    model = fasttext.load_model(os.path.join(ROOT, 'models/language/lid.176.ftz'))
    with tempfile.TemporaryDirectory() as folder:
        empty = os.path.join(folder, 'empty.txt')
        open(empty, 'w', encoding='utf-8').close()
        ratios = []
        for _ in range(options.rounds):
            ours = len(texts) / (seconds_of_program(options.program, options.lines)
                                 - seconds_of_program(options.program, empty))
            started = time.perf_counter()
            for text in texts:
                model.predict(text)
            theirs = len(texts) / (time.perf_counter() - started)
            ratios.append(ours / theirs)
            print(f'valence detect {ours:,.0f} texts/s, fastText {theirs:,.0f} texts/s')
    print(f'ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})')


if __name__ == '__main__':
    main()
