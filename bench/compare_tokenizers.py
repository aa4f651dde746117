#!/usr/bin/env python3
"""Text to token ids on one core: `valence tokenize` and Hugging Face tokenizers in turn, in one run.

    python bench/compare_tokenizers.py CHECKPOINT TEXTS [--texts 20000] [--rounds 5]

Before anything is timed, the numbers of tokens of every text must be equal. Ours is timed from the file to the counts
on stdout, start and load taken out; the peer from strings in memory to its encodings, one text at a time and as one
batch, of which the better counts. Both are pinned to the first core; leave the others idle.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

from compare import PROGRAM, Program, print_table, read_lines, write_lines


def check_equal(tokenizer, checkpoint, texts_file, texts):
    said = subprocess.run([PROGRAM, 'tokenize', '--model', checkpoint, '--format', 'count', texts_file], check=True,
                          capture_output=True, text=True).stdout
    ours = list(map(int, said.split()))
    theirs = [len(row.ids) for row in tokenizer.encode_batch(texts)]
    different = sum(a != b for a, b in zip(ours, theirs)) + abs(len(ours) - len(theirs))
    if different:
        sys.exit(f'{different} of {len(texts)} texts have another number of tokens: nothing to compare')


def peer_seconds(tokenizer, texts):
    def timed(work):
        started = time.perf_counter()
        work()
        return time.perf_counter() - started
    return min(timed(lambda: [tokenizer.encode(text) for text in texts]),
               timed(lambda: tokenizer.encode_batch(texts)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint')
    parser.add_argument('texts_file')
    parser.add_argument('--texts', type=int, default=20000)
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()
    os.environ.update(RAYON_NUM_THREADS='1', TOKENIZERS_PARALLELISM='false')
    os.sched_setaffinity(0, {0})
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(f'{options.checkpoint}/tokenizer.json')
    tokenizer.no_padding()
    tokenizer.no_truncation()
    texts = read_lines(options.texts_file, options.texts)
    megabytes = sum(len(text.encode()) + 1 for text in texts) / 1e6
    with tempfile.TemporaryDirectory() as folder:
        check_equal(tokenizer, options.checkpoint, write_lines(folder, 'texts.txt', texts), texts)
    # Ours is faster by far: it gets the texts ten times, so that what is timed is not the start.
    ours = Program(1, ['tokenize', '--format', 'count', '--model', options.checkpoint], texts, 10 * texts)
    our_rates, their_rates = [], []
    for _ in range(options.rounds):
        our_rates.append(10 * megabytes / ours.seconds())
        their_rates.append(megabytes / peer_seconds(tokenizer, texts))
    print_table('MB/s', our_rates, {'tokenizers': their_rates})


if __name__ == '__main__':
    main()
