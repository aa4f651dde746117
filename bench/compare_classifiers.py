#!/usr/bin/env python3
"""Text to label, ours and the peers in turn, in one run.

    python bench/compare_classifiers.py CHECKPOINT TEXTS [--texts 1500] [--peers ov-int8,ort-int8,ct2-int8,torch-int8]
                                        [--dtype int8] [--cores 1] [--rounds 5] [--single]

CHECKPOINT has been through prepare_peers.py. TEXTS is a file of plain lines. Every engine is pinned to the first
--cores cores; leave the others idle, and nothing else running. In each round ours is timed, then each peer, each peer
at its better batch size. --single times one text at a time instead (p50), ours through libvalence.
"""
import argparse
import ctypes
import os
import statistics
import subprocess
import sys
import tempfile
import time

from compare import HERE, Peer, Program, pinned, print_table, read_lines, spread, write_lines

LIBRARY = os.path.join(os.path.dirname(HERE), 'build', 'release', 'src', 'api', 'libvalence.so')
BATCHES = (8, 32)


def start_peers(names, folder, texts_file, cores, batches):
    """{name: its processes, one for each batch size}; one that does not load is said and left out."""
    peers = {}
    for name in names:
        processes = [Peer(name, folder, texts_file, cores, batch) for batch in batches]
        if all(process.works for process in processes):
            peers[name] = processes
        else:
            print(f'{name}: does not load this checkpoint, left out')
    return peers


def compare_batches(options, texts, folder):
    texts_file = write_lines(folder, 'texts.txt', texts)
    ours = Program(options.cores, ['analyze', '--model', options.checkpoint, '--dtype', options.dtype, '--threads',
                                   str(options.cores), '--quiet', '--format', 'jsonl', '--file'],
                   texts[:len(texts) // 3], texts)
    peers = start_peers(options.peers, options.checkpoint, texts_file, options.cores, BATCHES)
    our_rates, rates = [], {name: [] for name in peers}
    for _ in range(options.rounds):
        our_rates.append(len(texts) / ours.seconds())
        for name, processes in peers.items():
            rates[name].append(len(texts) / min(process.seconds() for process in processes))
    print_table('texts/s', our_rates, rates)
    for name, processes in peers.items():
        print(f'{name}: loaded in {processes[0].load_seconds:.1f} s, peak {processes[0].ask("memory")[0]:.0f} MB')


def compare_single(options, texts, folder):
    texts_file = write_lines(folder, 'texts.txt', texts)
    peers = start_peers(options.peers, options.checkpoint, texts_file, options.cores, (1,))
    command = [sys.executable, __file__, '--our-latencies', options.checkpoint, texts_file, options.dtype,
               str(options.cores)]
    ours, theirs = [], {name: [] for name in peers}
    for _ in range(options.rounds):
        said = subprocess.run(pinned(options.cores, command), check=True, capture_output=True, text=True).stdout
        ours.append(statistics.median(map(float, said.split())))
        for name, (process,) in peers.items():
            theirs[name].append(statistics.median(process.ask('each')))
    print(f'{"engine":<16}{"p50, ms":>12}   it / ours: median (least to most)')
    print(f'{"valence":<16}{statistics.median(ours):>12.2f}')
    for name, medians in theirs.items():
        ratios = [their / own for their, own in zip(medians, ours)]
        print(f'{name:<16}{statistics.median(medians):>12.2f}   {spread(ratios)}')


def our_latencies(checkpoint, texts_file, dtype, cores):
    """Milliseconds of each text alone through the C API, in a process of its own, as the peers have one."""
    class Options(ctypes.Structure):
        _fields_ = [('size', ctypes.c_size_t), ('dtype', ctypes.c_char_p), ('adapter', ctypes.c_char_p),
                    ('social', ctypes.c_char_p), ('long_text', ctypes.c_char_p), ('threads', ctypes.c_int)]

    class Text(ctypes.Structure):
        _fields_ = [('data', ctypes.c_char_p), ('size', ctypes.c_size_t)]

    library = ctypes.CDLL(LIBRARY)
    library.valence_error_message.restype = ctypes.c_char_p
    library.valence_results_free.argtypes = [ctypes.c_void_p]
    classifier, results = ctypes.c_void_p(), ctypes.c_void_p()
    options = Options(size=ctypes.sizeof(Options), dtype=dtype.encode(), threads=int(cores))
    if library.valence_load(checkpoint.encode(), ctypes.byref(options), ctypes.byref(classifier)):
        sys.exit(library.valence_error_message().decode())
    plain = [line.encode() for line in open(texts_file, encoding='utf-8', newline='\n').read().split('\n')[:-1]]
    for number, line in enumerate(plain[:30] + plain):  # the first thirty warm it up
        text = Text(line, len(line))
        started = time.perf_counter()
        if library.valence_classify(classifier, ctypes.byref(text), ctypes.c_size_t(1), ctypes.byref(results)):
            sys.exit(library.valence_error_message().decode())
        spent = time.perf_counter() - started
        library.valence_results_free(results)
        if number >= 30:
            print(1e3 * spent)


def main():
    if sys.argv[1:2] == ['--our-latencies']:
        return our_latencies(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint')
    parser.add_argument('texts_file')
    parser.add_argument('--texts', type=int, default=1500)
    parser.add_argument('--peers', type=lambda names: names.split(','), default='ov-int8,ort-int8,ct2-int8,torch-int8')
    parser.add_argument('--dtype', default='int8')
    parser.add_argument('--cores', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--single', action='store_true')
    options = parser.parse_args()
    texts = read_lines(options.texts_file, options.texts)
    with tempfile.TemporaryDirectory() as folder:
        (compare_single if options.single else compare_batches)(options, texts, folder)


if __name__ == '__main__':
    main()
