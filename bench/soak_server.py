#!/usr/bin/env python3
"""Many requests at once, each with a number of its own: no answer may be another's, and none may be missing.

    python bench/soak_server.py TEXTS [--requests 1000000] [--connections 64] [--model M]

TEXTS is a file of plain lines. Each request is a document whose id is its number and whose text is one of the lines; its answer
must come on its own connection, carry that id and the very scores that the text has when it is sent alone. Prints the rate, the
server's memory at its beginning and at its end, and ends with 1 if an answer was wrong, refused or missing.
"""
import argparse
import json
import re
import selectors
import socket
import sys
import time
import urllib.request

from compare import read_lines
from compare_servers import Server

LENGTH = re.compile(rb'\r\ncontent-length: *(\d+)\r\n', re.IGNORECASE)


def request(number, text):
    body = json.dumps({'documents': [{'id': str(number), 'text': text, 'language': 'en'}]}).encode()
    return b'POST /v1/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' % (
        len(body), body)


class Connection:
    """One request after the other; `number` is that of the request whose answer is awaited."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes = b''

    def send(self, number, text):
        self.number = number
        self.socket.sendall(request(number, text))

    def answer(self):
        """Status and body, or None when more is to come."""
        received = self.socket.recv(65536)
        if not received:
            sys.exit(f'the server closed the connection of request {self.number}')
        self.bytes += received
        head = self.bytes.find(b'\r\n\r\n')
        if head < 0:
            return None
        end = head + 4 + int(LENGTH.search(self.bytes)[1])
        if len(self.bytes) < end:
            return None
        status, body = int(self.bytes[9:12]), self.bytes[head + 4:end]
        self.bytes = self.bytes[end:]
        return status, body


def scores_alone(port, texts):
    scores = []
    for text in texts:
        body = json.dumps({'documents': [{'id': 'alone', 'text': text, 'language': 'en'}]}).encode()
        with urllib.request.urlopen(urllib.request.Request(f'http://127.0.0.1:{port}/v1/analyze', body,
                                                           {'Content-Type': 'application/json'})) as answer:
            scores.append(json.load(answer)['documents'][0]['scores'])
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('texts')
    parser.add_argument('--requests', type=int, default=1_000_000)
    parser.add_argument('--connections', type=int, default=64)
    parser.add_argument('--model', default='default')
    options = parser.parse_args()
    texts = read_lines(options.texts, 1000)
    server = Server('valence', options.model, 'auto')
    wanted = scores_alone(server.port, texts)
    memory = server.memory()
    connections = [Connection(server.port) for _ in range(options.connections)]
    selector = selectors.DefaultSelector()
    sent = received = wrong = 0
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(sent, texts[sent % len(texts)])
        sent += 1
    started = time.perf_counter()
    while received < sent:
        for key, _ in selector.select():
            connection = key.data
            answered = connection.answer()
            if answered is None:
                continue
            received += 1
            status, body = answered
            document = json.loads(body)['documents'][0] if status == 200 else {}
            number = connection.number
            if document.get('id') != str(number) or document.get('scores') != wanted[number % len(texts)]:
                wrong += 1
            if sent < options.requests:
                connection.send(sent, texts[sent % len(texts)])
                sent += 1
    seconds = time.perf_counter() - started
    print(f'{received:,} answers over {options.connections} connections, {received / seconds:,.0f} a second, {wrong} wrong; '
          f'{memory:.0f} MB before, {server.memory():.0f} MB after')
    server.stop()
    sys.exit(1 if wrong or received != options.requests else 0)


if __name__ == '__main__':
    main()
