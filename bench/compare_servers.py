#!/usr/bin/env python3
"""Servers under load, ours and the peers in turn, in one run.

    python bench/compare_servers.py CHECKPOINT TEXTS [--peers torch-fp32,ort-int8] [--connections 1,16,256]
                                    [--seconds 8] [--rounds 3] [--dtype int8] [--infinity PROGRAM]

CHECKPOINT has been through prepare_peers.py. TEXTS is a file of plain lines; each request carries one of them. Every server is
pinned to the last core and the clients (wrk, from Debian) to the first. Prints requests a second, the median and the 99th
percentile of the latency, and memory, and for each figure of ours the ratio to the peer's. PROGRAM is infinity_emb, of an
environment of its own (`pip install "infinity-emb[torch,server]"`); it batches requests, and is a peer when it is given.
"""
import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from compare import HERE, PROGRAM, read_lines

# wrk asks for one body after the other.
SCRIPT = '''
local bodies = {}
for line in io.lines("%s") do bodies[#bodies + 1] = line end
local turn = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  turn = turn %% #bodies + 1
  return wrk.format(nil, "%s", nil, bodies[turn])
end
done = function(summary, latency)
  io.write(string.format("RESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration, latency:percentile(50),
           latency:percentile(99), summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
'''


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Server:
    """Ours or a peer, with one thread on the last core; `dtype` is for ours."""

    def __init__(self, name, model, dtype, infinity=None):
        self.name, self.port = name, free_port()
        core = str(os.cpu_count() - 1)
        if name == 'infinity':
            command = [infinity, 'v2', '--model-id', model, '--engine', 'torch', '--device', 'cpu', '--port', str(self.port),
                       '--url-prefix', '', '--no-model-warmup', '--host', '127.0.0.1']
        elif name == 'valence':
            command = [PROGRAM, 'serve', '--model', model, '--dtype', dtype, '--threads', '1', '--port', str(self.port),
                       '--max-queue', '4096']
        else:
            command = [sys.executable, os.path.join(HERE, 'serve_peers.py'), name, model, str(self.port), '1']
        started = time.perf_counter()
        self.process = subprocess.Popen(['taskset', '-c', core, *command], stdout=subprocess.DEVNULL,
                                        env={**os.environ, 'OMP_NUM_THREADS': '1'})
        while True:
            try:
                socket.create_connection(('127.0.0.1', self.port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.005)
                if self.process.poll() is not None:
                    sys.exit(f'{name} does not start')
        self.start_seconds = time.perf_counter() - started

    def load(self, script, connections, seconds):
        """(requests a second, p50 ms, p99 ms, errors)"""
        said = subprocess.run(['taskset', '-c', '0', 'wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--timeout', '30s', '-s',
                               script, f'http://127.0.0.1:{self.port}'], capture_output=True, text=True, check=True).stdout
        count, microseconds, p50, p99, errors = map(int, re.search(r'RESULT (.*)', said)[1].split())
        return count / microseconds * 1e6, p50 / 1000, p99 / 1000, errors

    def settle(self):
        """Waits until what was asked in vain is answered: it takes the core of whoever is measured next."""
        def ticks():
            with open(f'/proc/{self.process.pid}/stat') as file:
                return sum(map(int, file.read().rsplit(')', 1)[1].split()[11:13]))
        before = ticks()
        while time.sleep(0.5) or ticks() > before + 2:
            before = ticks()

    def memory(self):
        with open(f'/proc/{self.process.pid}/status') as status:
            return int(re.search(r'VmRSS:\s+(\d+)', status.read())[1]) / 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint')
    parser.add_argument('texts')
    parser.add_argument('--peers', default='torch-fp32,ort-int8', type=lambda text: text.split(','))
    parser.add_argument('--connections', default='1,16,256', type=lambda text: [int(n) for n in text.split(',')])
    parser.add_argument('--seconds', type=int, default=8)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--dtype', default='int8')
    parser.add_argument('--infinity')
    options = parser.parse_args()
    texts = read_lines(options.texts, 2000)
    with tempfile.TemporaryDirectory() as folder:
        def script(name, path, body):
            bodies, file_name = os.path.join(folder, name + '.bodies'), os.path.join(folder, name + '.lua')
            with open(bodies, 'w') as file:
                file.writelines(json.dumps(body(text)) + '\n' for text in texts)
            with open(file_name, 'w') as file:
                file.write(SCRIPT % (bodies, path))
            return file_name
        usual = script('predict', '/predict', lambda text: {'inputs': text})
        model = os.path.basename(os.path.normpath(options.checkpoint))
        scripts = {'infinity': script('classify', '/classify', lambda text: {'model': model, 'input': [text]})}
        peers = options.peers + ['infinity'] * bool(options.infinity)
        servers = [Server(name, options.checkpoint, options.dtype, options.infinity) for name in ('valence', *peers)]
        figures = {}
        for _ in range(options.rounds):
            for connections in options.connections:
                for server in servers:
                    figures.setdefault((server.name, connections), []).append(
                        server.load(scripts.get(server.name, usual), connections, options.seconds))
                    server.settle()
        print(f'{"server":<12}{"connections":>12}{"requests/s":>12}{"p50, ms":>10}{"p99, ms":>10}{"errors":>8}   ours / it')
        for (name, connections), runs in sorted(figures.items(), key=lambda item: item[0][1]):
            rate, p50, p99, errors = (statistics.median(column) for column in zip(*runs))
            ratios = [own[0] / it[0] for own, it in zip(figures['valence', connections], runs)]
            print(f'{name:<12}{connections:>12}{rate:>12.1f}{p50:>10.1f}{p99:>10.1f}{errors:>8.0f}   '
                  f'{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})')
        for server in servers:
            print(f'{server.name}: {server.memory():.0f} MB, started in {server.start_seconds:.2f} s')
            server.stop()


if __name__ == '__main__':
    main()
