#!/usr/bin/env python3
"""The server over sockets, as clients and attackers see it: tests/serve_test.py PROGRAM"""
import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = sys.argv.pop(1)
GOOD = json.dumps({'documents': [{'id': 'a', 'text': 'I love this.'}]}).encode()


class Server:
    def __init__(self, *arguments):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([PROGRAM, 'serve', '--port', '0', *arguments], stdout=subprocess.PIPE,
                                        stderr=self.log)
        self.url = self.process.stdout.readline().decode().strip()
        self.port = int(self.url.rpartition(':')[2]) if self.url else 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self.process.stdout.close()
        self.log.close()

    def connect(self):
        return socket.create_connection(('127.0.0.1', self.port), timeout=30)

    def said(self):
        return os.pread(self.log.fileno(), 1 << 20, 0).decode()


def request(method, path, body=b'', *headers, kind='application/json'):
    lines = [f'{method} {path} HTTP/1.1', 'Host: 127.0.0.1', *headers]
    if method == 'POST':
        lines += [f'Content-Type: {kind}', f'Content-Length: {len(body)}']
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


class Answers:
    """Answers one after the other from a connection."""

    def __init__(self, line):
        self.line, self.data = line, b''

    def more(self):
        part = self.line.recv(1 << 16)
        self.data += part
        return bool(part)

    def take(self):
        """(status, headers, body) of the next answer; None when the connection ends."""
        while b'\r\n\r\n' not in self.data:
            if not self.more():
                return None
        head, _, self.data = self.data.partition(b'\r\n\r\n')
        lines = head.decode('latin-1').split('\r\n')
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(':') for line in lines[1:])}
        body = b''
        if headers.get('transfer-encoding') == 'chunked':
            while True:
                while b'\r\n' not in self.data:
                    self.more()
                size, _, self.data = self.data.partition(b'\r\n')
                size = int(size, 16)
                while len(self.data) < size + 2:
                    self.more()
                body, self.data = body + self.data[:size], self.data[size + 2:]
                if size == 0:
                    break
        else:
            length = int(headers.get('content-length', 0))
            while len(self.data) < length:
                self.more()
            body, self.data = self.data[:length], self.data[length:]
        return int(lines[0].split(' ')[1]), headers, body


def ask(server, data):
    with server.connect() as line:
        line.sendall(data)
        try:
            return Answers(line).take()
        except ConnectionError:
            return None


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server('--threads', '1')

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def test_a_request_is_answered_and_the_connection_kept(self):
        with self.server.connect() as line:
            answers = Answers(line)
            for _ in range(3):
                line.sendall(request('POST', '/v1/analyze', GOOD))
                status, headers, body = answers.take()
                self.assertEqual(status, 200)
                self.assertEqual(json.loads(body)['documents'][0]['label'], 'positive')
                self.assertNotIn('connection', headers)

    def test_pipelined_requests_are_answered_in_order(self):
        bodies = [json.dumps({'documents': [{'id': f'p{k}', 'text': 'Good.'}]}).encode() for k in range(5)]
        with self.server.connect() as line:
            line.sendall(b''.join(request('POST', '/v1/analyze', body) for body in bodies))
            answers = Answers(line)
            ids = [json.loads(answers.take()[2])['documents'][0]['id'] for _ in bodies]
        self.assertEqual(ids, ['p0', 'p1', 'p2', 'p3', 'p4'])

    def test_what_two_readers_could_read_in_two_ways_is_refused_and_ends_the_connection(self):
        head = 'POST /v1/analyze HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'
        smuggled = '0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'
        for headers, expected in (('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', 400),
                                  ('Transfer-Encoding: chunked\r\n', 411), ('Content-Length: -1\r\n', 400),
                                  ('Content-Length: 5\r\nContent-Length: 5\r\n', 400), ('X-A: b\r\n c\r\n', 400),
                                  ('', 411), ('Transfer-Encoding: identity\r\n', 501)):
            with self.server.connect() as line:
                line.sendall((head + headers + '\r\n' + smuggled).encode())
                answers = Answers(line)
                self.assertEqual(answers.take()[0], expected, headers)
                self.assertIsNone(answers.take(), headers)

    def test_bodies_that_are_not_wanted(self):
        cases = [(request('POST', '/v1/analyze', GOOD, kind='text/plain'), 415),
                 (request('POST', '/v1/analyze', GOOD, 'Content-Encoding: gzip'), 415),
                 (request('POST', '/v1/analyze', b'x' * 10)[:-10].replace(b'Length: 10', b'Length: 3000000'), 413),
                 (request('GET', '/health', b'', 'Content-Length: 5') + b'hello', 400),
                 (request('POST', '/v1/analyze', b'\xff'), 400), (request('GET', '/../etc/passwd'), 404),
                 (request('DELETE', '/v1/analyze'), 405), (request('GET', '/nothing'), 404)]
        for data, expected in cases:
            self.assertEqual(ask(self.server, data)[0], expected, data[:60])

    def test_a_refused_body_does_not_spoil_the_next_request(self):
        with self.server.connect() as line:
            answers = Answers(line)
            line.sendall(request('POST', '/v1/analyze', GOOD, kind='text/plain') + request('GET', '/health'))
            self.assertEqual([answers.take()[0], answers.take()[0]], [415, 200])

    def test_expect_100_continue(self):
        data = request('POST', '/v1/analyze', GOOD, 'Expect: 100-continue')
        with self.server.connect() as line:
            answers = Answers(line)
            line.sendall(data[:-len(GOOD)])
            self.assertEqual(answers.take()[0], 100)
            line.sendall(GOOD)
            self.assertEqual(answers.take()[0], 200)

    def test_every_request_gets_its_own_answer(self):
        def client(number):
            with self.server.connect() as line:
                answers = Answers(line)
                for turn in range(25):
                    nonce = f'{number}-{turn}'
                    body = json.dumps({'documents': [{'id': nonce, 'text': f'It is number {nonce}.'}]}).encode()
                    line.sendall(request('POST', '/v1/analyze', body))
                    if json.loads(answers.take()[2])['documents'][0]['id'] != nonce:
                        return False
            return True

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertTrue(all(pool.map(client, range(16))))

    def test_each_text_takes_the_route_of_its_language(self):
        texts = ['The food was cold', 'Das Essen war leider kalt', 'No']
        documents = [{'id': str(k), 'text': text} for k, text in enumerate(texts)]
        documents[2]['language'] = 'es'
        body = json.dumps({'documents': documents, 'sentences': True, 'explain': True}).encode()
        whole = json.loads(ask(self.server, request('POST', '/v1/analyze', body))[2])
        self.assertEqual(whole['model']['name'], 'default')
        self.assertEqual(whole['route_models']['multilingual']['name'], 'multilingual')
        answers = whole['documents']
        self.assertEqual([(one['language'], one['route']) for one in answers],
                         [('en', 'native'), ('de', 'multilingual'), ('es', 'multilingual')])
        self.assertEqual(answers[1]['sentences'][0]['scores'], answers[1]['scores'])  # read on the route of its text
        with Server('--model', 'default') as named:
            answers = json.loads(ask(named, request('POST', '/v1/analyze', body))[2])['documents']
        self.assertNotIn('language', answers[1])

    def test_results_flow_before_the_body_ends(self):
        lines = [json.dumps({'id': str(k), 'text': f'I love number {k}.'}).encode() + b'\n' for k in range(400)]
        data = request('POST', '/v1/analyze/stream', b''.join(lines), kind='application/x-ndjson')
        half = len(data) - sum(map(len, lines[200:]))
        with self.server.connect() as line:
            line.sendall(data[:half])
            answers = Answers(line)
            while b'"id"' not in answers.data:
                self.assertTrue(answers.more())
            line.sendall(data[half:])
            status, headers, body = answers.take()
        self.assertEqual((status, headers['content-type']), (200, 'application/x-ndjson'))
        ids = [json.loads(row)['id'] for row in body.splitlines()]
        self.assertEqual(sorted(ids, key=int), [str(k) for k in range(400)])

    def depth(self):
        figures = ask(self.server, request('GET', '/metrics'))[2].decode()
        return int(figures.split('\nvalence_queue_depth ')[1].split()[0])

    def test_rows_that_cannot_be_used_flow_too(self):
        rows = [b'{"text":""}\n'] * 40_000
        data = request('POST', '/v1/analyze/stream', b''.join(rows), kind='application/x-ndjson')
        with self.server.connect() as line:
            answers = Answers(line)
            line.sendall(data[:-len(rows[0]) * 20_000])
            while answers.data.count(b'empty_text') < 1000:
                self.assertTrue(answers.more())
            self.assertEqual(self.depth(), 0)  # nothing of it waits
            sender = concurrent.futures.ThreadPoolExecutor(1).submit(line.sendall, data[-len(rows[0]) * 20_000:])
            status, _, body = answers.take()
            sender.result()
        self.assertEqual((status, body.count(b'\n')), (200, len(rows)))
        with self.server.connect() as line:
            line.sendall(data[:100_000])
        with self.server.connect() as line:  # a client that leaves in the middle harms nobody
            line.sendall(request('POST', '/v1/analyze', GOOD))
            self.assertEqual(Answers(line).take()[0], 200)

    def test_documents_without_an_id_are_numbered_from_0(self):
        lines = b'\n{"text":"Good."}\n\n{"text":"Bad."}\n'
        answer = ask(self.server, request('POST', '/v1/analyze/stream', lines, kind='application/x-ndjson'))
        self.assertEqual({json.loads(row)['id'] for row in answer[2].splitlines()}, {'0', '1'})

    def test_as_many_texts_as_info_says_are_tokenized(self):
        most = json.loads(ask(self.server, request('GET', '/info'))[2])['max_client_batch_size']
        for count, status in ((most, 200), (most + 1, 413)):
            body = json.dumps({'inputs': ['a'] * count}).encode()
            self.assertEqual(ask(self.server, request('POST', '/tokenize', body))[0], status)

    def test_events(self):
        body = json.dumps({'documents': [{'id': 'a', 'text': 'Good.'}, {'id': 'b', 'text': ''}]}).encode()
        answer = ask(self.server, request('POST', '/v1/analyze/stream', body, 'Accept: text/event-stream'))
        self.assertEqual(answer[1]['content-type'], 'text/event-stream')
        rows = [json.loads(row[5:]) for row in answer[2].splitlines() if row.startswith(b'data:')]
        self.assertEqual({row['id']: 'error' in row for row in rows}, {'a': False, 'b': True})

    def test_the_page_is_closed_to_other_hosts(self):
        status, headers, body = ask(self.server, request('GET', '/'))
        self.assertEqual(status, 200)
        self.assertIn("default-src 'self'", headers['content-security-policy'])
        self.assertIn(b'app.js', body)
        self.assertNotIn('access-control-allow-origin', headers)

    def test_no_text_is_logged_or_counted(self):
        word = 'xylophonecanary'
        for body in ({'documents': [{'id': word, 'text': word}], 'model': word}, {word: word}, {'inputs': word}):
            for path in ('/v1/analyze', '/predict', '/', '/' + word, f'/v2/models/{word}/infer'):
                ask(self.server, request('POST', path, json.dumps(body).encode(), f'X-Text: {word}'))
        self.assertNotIn(word, ask(self.server, request('GET', '/metrics'))[2].decode())
        self.assertNotIn(word, self.server.said())


class Safety(unittest.TestCase):
    def refused(self, *arguments):
        done = subprocess.run([PROGRAM, 'serve', '--port', '0', *arguments], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2, arguments)
        self.assertRegex(done.stderr, r'^valence: [^\n]+\n$')

    def test_others_are_let_in_only_when_told(self):
        with tempfile.NamedTemporaryFile('w') as key:
            key.write('secret\n')
            key.flush()
            self.refused('--host', '0.0.0.0')
            self.refused('--host', '0.0.0.0', '--api-key-file', key.name)
            self.refused('--tls-cert', key.name)

    def test_a_key_is_asked_for_before_anything_else(self):
        with tempfile.NamedTemporaryFile('w') as key:
            key.write('correct-horse\n')
            key.flush()
            with Server('--threads', '1', '--api-key-file', key.name) as server:
                bodies = set()
                for given in (None, '', 'correct-hors', 'correct-horsf', 'x' * 5000):
                    headers = [] if given is None else [f'Authorization: Bearer {given}']
                    for path in ('/v1/analyze', '/predict', '/nothing'):
                        # Without its body: nothing is waited for.
                        status, headers_back, body = ask(server, request('POST', path, GOOD, *headers)[:-len(GOOD)])
                        self.assertEqual((status, headers_back['www-authenticate']), (401, 'Bearer'))
                        bodies.add(body)
                self.assertEqual(len(bodies), 1)
                good = ask(server, request('POST', '/v1/analyze', GOOD, 'Authorization: Bearer correct-horse'))
                self.assertEqual(good[0], 200)
                for path in ('/health', '/', '/app.js'):
                    self.assertEqual(ask(server, request('GET', path))[0], 200)
                self.assertNotIn('correct-horse', server.said())


class Load(unittest.TestCase):
    def wait_for(self, server, count):
        """Until the server has answered or queued so many requests."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            figures = ask(server, request('GET', '/metrics'))[2].decode()
            seen = sum(int(line.rsplit(' ', 1)[1]) for line in figures.splitlines()
                       if line.startswith(('valence_requests_total{route="/v1/analyze"', 'valence_queue_depth ')))
            if seen >= count:
                return
            time.sleep(0.02)
        self.fail(f'{count} requests were sent, the server knows of {seen}')

    def test_a_full_queue_says_so_and_the_server_drains(self):
        text = 'It is a long story that nobody wanted to hear. ' * 4
        body = json.dumps({'documents': [{'id': str(k), 'text': text} for k in range(8)]}).encode()
        with Server('--threads', '1', '--max-queue', '4') as server:
            lines = [server.connect() for _ in range(12)]
            for line in lines:
                line.sendall(request('POST', '/v1/analyze', body))
            self.wait_for(server, len(lines))
            server.process.send_signal(signal.SIGTERM)
            statuses = []
            for line in lines:
                status, headers, answer = Answers(line).take()
                statuses.append(status)
                if status == 429:
                    self.assertTrue(headers['retry-after'].isdigit())
                else:
                    self.assertEqual(len(json.loads(answer)['documents']), 8)
                line.close()
            self.assertEqual(set(statuses), {200, 429})
            self.assertEqual(server.process.wait(15), 0)

    def test_models_are_loaded_again_without_a_lost_request(self):
        with Server('--threads', '1') as server:
            for _ in range(5):
                server.process.send_signal(signal.SIGHUP)
                self.assertEqual(ask(server, request('POST', '/v1/analyze', GOOD))[0], 200)
            deadline = time.monotonic() + 20
            while 'loaded again' not in server.said() and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertIn('loaded again', server.said())


if __name__ == '__main__':
    unittest.main()
