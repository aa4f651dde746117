"""A hub on 127.0.0.1 for tests: one server for the listing and small files, another for the large ones.

    python3 fake_hub.py LOG      # prints "http://127.0.0.1:PORT", serves until its stdin ends

A line on stdin makes it forget all requests; it answers with a line. The name of a repository says how it
behaves; org/good does not misbehave. Each request is a line of LOG: method, server (hub or store), path, range,
whether a token came along.
"""
import hashlib
import http.server
import json
import re
import struct
import sys
import threading
import time

COMMIT = '0123456789abcdef0123456789abcdef01234567'
REVISIONS = ('main', 'v1.0', 'refs%2Fpr%2F1', COMMIT)
LARGE = ('.safetensors', '.bin')


def safetensors(name, count):
    header = json.dumps({name: {'dtype': 'U8', 'shape': [count], 'data_offsets': [0, count]}}).encode()
    return struct.pack('<Q', len(header)) + header + bytes(i * 7 % 251 for i in range(count))


WEIGHTS = safetensors('weight', 3_000_000)
COMMON = {
    'config.json': b'{"model_type": "distilbert", "id2label": {"1": "positive", "0": "negative"}}',
    'vocab.txt': b'[PAD]\n[UNK]\n',
    'README.md': b'---\nlanguage: en\nlicense: apache-2.0\n---\n# A model\n',
    'flax_model.msgpack': b'x' * 100,
    'onnx/model.onnx': b'y' * 100,
    'training_args.bin': b'z' * 100,
}
SHARDS = ('model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors')
INDEX = 'model.safetensors.index.json'


def index(*shards):
    return json.dumps({'weight_map': {f't{i}': shard for i, shard in enumerate(shards)}}).encode()


FILES = {
    'both': {**COMMON, 'model.safetensors': WEIGHTS, 'pytorch_model.bin': b'PK' + b'z' * 5000},
    'sharded': {**COMMON, INDEX: index(*SHARDS), SHARDS[0]: safetensors('t0', 10), SHARDS[1]: safetensors('t1', 10)},
    'lostshard': {**COMMON, INDEX: index(*SHARDS), SHARDS[0]: safetensors('t0', 10)},
    'farshard': {**COMMON, INDEX: index('../../x.safetensors')},
    'bin': {**COMMON, 'pytorch_model.bin': b'PK' + b'z' * 5000},
    'adapter': {'adapter_config.json': b'{}', 'adapter_model.safetensors': safetensors('lora', 10)},
    'noweights': COMMON,
    'noconfig': {'README.md': b'nothing here'},
}
NAMES = {  # what the listing adds
    'escape': ['../../../../evil.txt'], 'inside': ['a/../../evil.txt'], 'absolute': ['/tmp/valence-evil.txt'],
    'backslash': ['..\\..\\evil.txt'], 'control': ['evil\n.txt'], 'nameless': [''], 'notext': [7],
    'toomany': [f'file{i}' for i in range(30_000)],
}
SHA = {'badsha': '../../evil', 'othersha': 'f' * 40}
GATED = {'gated': 401, 'gated403': 403}


def git_sha1(content):
    return hashlib.sha1(b'blob %d\0' % len(content) + content).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    log, store = None, ''
    counts, left_alone_until = {}, 0.0
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def answer(self, status, body=b'', **headers):
        self.send_response(status)
        headers.setdefault('Content_Length', str(len(body)))
        for key, value in headers.items():
            if value is not None:
                self.send_header(key.replace('_', '-'), value)
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def refuse(self, status, code):
        self.answer(status, b'{"error": "no"}', X_Error_Code=code)

    def first_times(self, key, times):
        """True for the first so many calls."""
        with self.lock:
            self.counts[key] = self.counts.get(key, 0) + 1
            return self.counts[key] <= times

    def note(self, *words):
        with self.lock:
            print(*words, file=self.log, flush=True)

    def do_GET(self):
        is_store = self.server.role == 'store'
        token = 'token' if self.headers.get('Authorization') else '-'
        self.note(self.command, self.server.role, self.path, self.headers.get('Range', '-'), token)
        api = re.fullmatch(r'/api/models/(?:org/)?([\w-]+)/revision/([^/]+)', self.path)
        file = re.fullmatch(r'/(?:org/)?([\w-]+)/resolve/(' + COMMIT + r')/(.+)', self.path)
        moved = re.fullmatch(r'/api/resolve-cache/(\w+)/(.+)', self.path)
        blob = re.fullmatch(r'/cdn/(\w+)/(.+)', self.path)
        if is_store and blob:
            return self.send_file(blob[1], blob[2], {'ETag': '"of-the-store"'})
        if moved:
            content = self.files(moved[1])[moved[2]]
            return self.send_file(moved[1], moved[2], {'ETag': f'"{git_sha1(content)}"', 'X_Repo_Commit': COMMIT})
        if is_store or not (api or file):
            return self.refuse(404, 'RepoNotFound')
        name = (api or file)[1]
        if name in GATED and self.headers.get('Authorization') != 'Bearer hf_good':
            return self.refuse(GATED[name], 'GatedRepo')
        if name == 'gatedfiles' and file and self.headers.get('Authorization') != 'Bearer hf_good':
            return self.refuse(403, 'GatedRepo')
        if name == 'absent':
            return self.refuse(404, 'RepoNotFound')
        if name == 'private':  # so the true hub answers when nobody is logged in
            return self.refuse(401, None)
        if api and api[2] not in REVISIONS:
            return self.refuse(404, 'RevisionNotFound')
        if name == 'renamed':
            return self.answer(307, Location=self.path.replace('/renamed/', '/good/'))
        return self.send_listing(name) if api else self.send_described(name, file[3])

    do_HEAD = do_GET

    def files(self, name):
        return FILES.get(name, {**COMMON, 'model.safetensors': WEIGHTS})

    def send_listing(self, name):
        if name == 'notjson':
            return self.answer(200, b'<html>welcome to the hotel network</html>')
        if name == 'notlisting':
            return self.answer(200, b'[1, 2]')
        if name == 'endless':
            return self.answer(200, b' ' * (40 << 20))
        if name == 'endlesserror':
            return self.answer(404, b' ' * (40 << 20))
        if name == 'fails' or name == 'flaky' and self.first_times('api', 2):
            return self.answer(503, b'oops')
        if name == 'busyfor1h':
            return self.answer(429, b'later', Retry_After='3600')
        if name == 'busy':
            if time.monotonic() < self.left_alone_until:
                self.note('HAMMERED')
            if self.first_times('busy', 2):
                Handler.left_alone_until = time.monotonic() + 1
                return self.answer(429, b'later', Retry_After='1')
        names = [*self.files(name), *NAMES.get(name, [])]
        said = {'id': 'org/' + name, 'sha': SHA.get(name, COMMIT), 'siblings': [{'rfilename': one} for one in names]}
        return self.answer(200, json.dumps(said).encode(), Content_Type='application/json')

    def send_described(self, name, wanted):
        content = self.files(name).get(wanted)
        if content is None or name == 'gone' and wanted == 'vocab.txt':
            return self.refuse(404, 'EntryNotFound')
        large = wanted.endswith(LARGE)
        if name == 'loop' and large:
            return self.answer(302, Location=self.path)
        etag = hashlib.sha256(content).hexdigest() if large else git_sha1(content)
        etag = {'badetag': '../../../../evil', 'noetag': None}.get(name, etag)
        headers = {'X_Repo_Commit': 'f' * 40 if name == 'othercommit' else COMMIT}
        if not large and name in ('moved', 'linked'):  # small files by way of the hub's own cache
            if name == 'linked':
                headers.update(X_Linked_Etag=f'"{etag}"', X_Linked_Size=str(len(content)))
            return self.answer(307, Location=f'/api/resolve-cache/{name}/{wanted}', **headers)
        if not large:
            headers['ETag'] = etag and f'W/"{etag}"'
            return self.send_file(name, wanted, headers)
        place = {'tofile': 'file:///etc/passwd', 'nowhere': 'http://127.0.0.1:1/x', 'garbage': 'http://[::broken'}.get(
            name, f'{self.store}/cdn/{name}/{wanted}')
        size = {'badsize': 'many', 'hugesize': str(1 << 62), 'toosmall': '10'}.get(name, str(len(content)))
        return self.answer(302, X_Linked_Etag=etag and f'"{etag}"', X_Linked_Size=size, Location=place,
                           ETag=None if name == 'noetag' else '"not-this-one"', **headers)

    def send_file(self, name, wanted, headers):
        content = self.files(name).get(wanted, b'')
        large = wanted.endswith(LARGE)
        if name == 'wronghash' and large:
            content = content[:-4] + b'evil'
        if name == 'wrongsmall' and wanted == 'config.json':
            content = content.replace(b'distilbert', b'evilibert!')
        total, first = len(content), re.fullmatch(r'bytes=(\d+)-', self.headers.get('Range') or '')
        status = 200
        if first and name != 'norange':
            begin = int(first[1]) - (5 if name == 'wrongrange' else 0)
            if begin >= total:
                return self.answer(416, Content_Range=f'bytes */{total}')
            headers['Content_Range'] = f'bytes {begin}-{total - 1}/{total}'
            content, status = content[begin:], 206
        if not large or self.command != 'GET':
            return self.answer(status, content, **headers)
        # Half a body, then the line is cut.
        if name == 'short' or name in ('once', 'norange', 'wrongrange') and self.first_times(name, 1):
            self.close_connection = True
            return self.answer(status, content[:len(content) // 2], Content_Length=str(len(content)), **headers)
        if name == 'truncated':
            content = content[:len(content) // 2]
        if name == 'stalls' and self.first_times(name, 1):  # until the client gives up, or is killed
            self.close_connection = True
            self.answer(status, content[:1000], Content_Length=str(len(content)), **headers)
            self.wfile.flush()
            self.connection.recv(1)
            return None
        return self.answer(status, content, **headers)


def main():
    Handler.log = open(sys.argv[1], 'a')
    addresses = []
    for role in ('hub', 'store'):
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        server.daemon_threads, server.role = True, role
        server.handle_error = lambda *_: None  # a client that leaves in the middle is no news
        threading.Thread(target=server.serve_forever, daemon=True).start()
        addresses.append(f'http://127.0.0.1:{server.server_port}')
    Handler.store = addresses[1]
    print(addresses[0], flush=True)
    for _ in sys.stdin:
        with Handler.lock:
            Handler.counts.clear()
            Handler.log.truncate(0)
        print('forgotten', flush=True)


if __name__ == '__main__':
    main()
