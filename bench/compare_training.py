#!/usr/bin/env python3
"""Fine-tuning steps against PyTorch, PEFT and bitsandbytes, in one run: texts/s and peak memory.

    python bench/compare_training.py CHECKPOINT TEXTS [--rows 160] [--threads 2] [--ways full,lora,qlora] [--limit 600]

Updates of four batches of 8 texts, at most 128 tokens, AdamW. Ours of each way is timed in turn with its peers; start
and load are in no rate. A peer that does not end within the limit counts as the updates that it did: where none did,
as slower than that.
"""
import argparse
import csv
import os
import re
import statistics
import subprocess
import sys
import tempfile

from compare import HERE, PROGRAM, read_lines

WAYS = {'full': (('--method', 'full', '--dtype', 'fp32', '--optimizer', 'adamw'), ('full',)),
        'lora': (('--method', 'lora', '--dtype', 'bf16', '--rank', '8'), ('lora', 'lora-bf16')),
        'qlora': (('--preset', 'qlora-distilbert'), ('qlora', 'lora-bf16'))}


def ours(way, checkpoint, data, rows, threads):
    """texts/s as the program says it, and its peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        command = [PROGRAM, 'train', data, '--text-column', 'text', '--label-column', 'label', '--model', checkpoint,
                   '-o', os.path.join(folder, 'out'), *WAYS[way][0], '--batch-size', '8', '--accumulation', '4',
                   '--steps', str(rows // 32), '--validation-share', '0', '--max-length', '128', '--no-shuffle',
                   '--threads', str(threads)]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(said)
    return float(re.findall(r'([\d.]+) texts/s', said)[-1]), usage.ru_maxrss / 1024


def peer(mode, checkpoint, texts, rows, threads, limit):
    command = [sys.executable, os.path.join(HERE, 'training_peers.py'), mode, checkpoint, texts, str(rows), str(threads)]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=limit).stdout
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b'').decode()
    rates = [float(rate) for rate in re.findall(r'([\d.]+) texts/s', said)]
    memory = re.search(r'(\d+) MB', said)
    return statistics.median(rates) if rates else None, memory and int(memory[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint')
    parser.add_argument('texts')
    parser.add_argument('--rows', type=int, default=160)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--ways', default='full,lora,qlora')
    parser.add_argument('--limit', type=int, default=600, help='seconds for a run of a peer')
    options = parser.parse_args()
    texts = read_lines(options.texts, options.rows)
    with tempfile.TemporaryDirectory() as folder:
        data, lines = os.path.join(folder, 'data.csv'), os.path.join(folder, 'texts.txt')
        with open(data, 'w', encoding='utf-8', newline='') as file:
            writer = csv.writer(file)
            writer.writerow(['text', 'label'])
            writer.writerows((text, ('negative', 'positive')[n % 2]) for n, text in enumerate(texts))
        with open(lines, 'w', encoding='utf-8', newline='\n') as file:
            file.write('\n'.join(texts))
        print(f'{"way":<22}{"texts/s":>9}{"MB":>8}   ours / it')
        for way in options.ways.split(','):
            rate, memory = ours(way, options.checkpoint, data, options.rows, options.threads)
            print(f'{"valence " + way:<22}{rate:>9.1f}{memory:>8.0f}', flush=True)
            for mode in WAYS[way][1]:
                theirs, theirs_memory = peer(mode, options.checkpoint, lines, options.rows, options.threads, options.limit)
                if theirs is None:
                    least = 32 / options.limit
                    print(f'{"  PyTorch " + mode:<22}{"< %.2f" % least:>9}{"":>8}   over {rate / least:.0f}', flush=True)
                else:
                    print(f'{"  PyTorch " + mode:<22}{theirs:>9.1f}{theirs_memory or 0:>8.0f}   {rate / theirs:.2f}', flush=True)


if __name__ == '__main__':
    main()
