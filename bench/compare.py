"""What the comparisons share: pinned processes, rounds in turn, and the table of ratios."""
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(os.path.dirname(HERE), 'build', 'release', 'valence')


def pinned(cores, command):
    return ['taskset', '-c', ','.join(map(str, range(cores))), *command]


def read_lines(path, count):
    lines = open(path, encoding='utf-8', newline='\n').read().rstrip('\n').split('\n')
    texts = [line for line in lines if line.strip()][:count]
    if len(texts) < count:
        sys.exit(f'{path} has {len(texts)} texts, {count} were asked for')
    return texts


def write_lines(folder, name, texts):
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='utf-8', newline='\n') as file:
        file.writelines(text + '\n' for text in texts)
    return path


def program_seconds(cores, arguments):
    """Wall time of one run of the program, its results thrown away."""
    started = time.perf_counter()
    subprocess.run(pinned(cores, [PROGRAM, *arguments]), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


class Program:
    """Ours. Start and load are taken out: the time of a longer file less that of a shorter one."""

    def __init__(self, cores, arguments, short, long):
        self.cores, self.arguments = cores, arguments
        self.folder = tempfile.TemporaryDirectory()
        self.files = [write_lines(self.folder.name, name, texts) for name, texts in
                      (('short.txt', short), ('long.txt', short + long))]
        program_seconds(cores, [*arguments, self.files[0]])  # brings the files into memory

    def seconds(self):
        short, long = (program_seconds(self.cores, [*self.arguments, file]) for file in self.files)
        return max(long - short, 1e-9)


class Peer:
    """A process of peers.py."""

    def __init__(self, name, folder, texts_file, cores, batch):
        self.name = name
        command = [sys.executable, os.path.join(HERE, 'peers.py'), name, folder, texts_file, str(cores), str(batch)]
        self.process = subprocess.Popen(pinned(cores, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        # Libraries print to stdout while they load.
        line = next((line for line in self.process.stdout if line.startswith('ready ')), '')
        self.load_seconds = float(line.split()[1]) if line else None

    @property
    def works(self):
        return self.load_seconds is not None

    def ask(self, command):
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()
        return [float(word) for word in self.process.stdout.readline().split()]

    def seconds(self):
        return self.ask('pass')[0]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def spread(values, digits=2):
    return f'{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})'


def print_table(unit, ours, peers):
    """`ours` and each of `peers` are rates, one for each round: higher is better."""
    print(f'{"engine":<16}{unit:>12}   ours / it: median (least to most)')
    print(f'{"valence":<16}{statistics.median(ours):>12.1f}')
    for name, rates in peers.items():
        ratios = [own / theirs for own, theirs in zip(ours, rates)]
        print(f'{name:<16}{statistics.median(rates):>12.1f}   {spread(ratios)}')
    if len(peers) > 1:
        best = [own / max(theirs) for own, *theirs in zip(ours, *peers.values())]
        print(f'{"the best peer":<16}{"":>12}   {spread(best)}')
