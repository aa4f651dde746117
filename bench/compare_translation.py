#!/usr/bin/env python3
"""Lines to translations on one core: `valence translate` and CTranslate2 in turn, in one run, fp32 and int8.

    python bench/compare_translation.py CHECKPOINT LINES [--lines 88] [--beams 4] [--length 64] [--rounds 3]

CHECKPOINT is a Marian model in the layout of transformers; CTranslate2 gets it by its own converter, kept beside it as
CHECKPOINT.ct2. What counts is generated tokens per second, so that neither gains by ending early. Ours is timed from
the file to JSON Lines, start and load taken out; the peer from token strings in memory. Both are pinned to the first
core; leave the others idle.
"""
import argparse
import json
import os
import subprocess
import time

from compare import PROGRAM, Program, print_table, read_lines


def our_tokens(arguments, lines):
    said = subprocess.run([PROGRAM, *arguments, '--threads', '1'], input='\n'.join(lines) + '\n', check=True,
                          capture_output=True, text=True).stdout
    return sum(len(json.loads(line)['ids']) for line in said.splitlines())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint')
    parser.add_argument('lines_file')
    parser.add_argument('--lines', type=int, default=88)
    parser.add_argument('--beams', type=int, default=4)
    parser.add_argument('--length', type=int, default=64)
    parser.add_argument('--rounds', type=int, default=3)
    options = parser.parse_args()
    os.sched_setaffinity(0, {0})
    import ctranslate2
    from transformers import MarianTokenizer
    converted = options.checkpoint.rstrip('/') + '.ct2'
    if not os.path.exists(os.path.join(converted, 'model.bin')):
        ctranslate2.converters.TransformersConverter(options.checkpoint).convert(converted, force=True)
    tokenizer = MarianTokenizer.from_pretrained(options.checkpoint)
    lines = read_lines(options.lines_file, options.lines)
    pieces = [tokenizer.convert_ids_to_tokens(tokenizer(line).input_ids) for line in lines]
    for dtype, theirs in (('fp32', 'float32'), ('int8', 'int8')):
        arguments = ['translate', '--format', 'jsonl', '--model', options.checkpoint, '--dtype', dtype, '--beam',
                     str(options.beams), '--max-length', str(options.length)]
        tokens = our_tokens(arguments, lines)
        ours = Program(1, arguments, lines[:1], lines)
        peer = ctranslate2.Translator(converted, compute_type=theirs, inter_threads=1, intra_threads=1)
        our_rates, their_rates = [], []
        for _ in range(options.rounds):
            our_rates.append(tokens / ours.seconds())
            started = time.perf_counter()
            said = peer.translate_batch(pieces, beam_size=options.beams, max_decoding_length=options.length - 1,
                                        max_batch_size=1024, batch_type='tokens')
            seconds = time.perf_counter() - started
            their_rates.append(sum(len(one.hypotheses[0]) for one in said) / seconds)
        print_table(f'{dtype} tokens/s', our_rates, {f'CTranslate2 {theirs}': their_rates})


if __name__ == '__main__':
    main()
