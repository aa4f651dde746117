#!/usr/bin/env python3
"""The dialects by the clients that people use for them: tests/clients_test.py PROGRAM (see scripts/test-clients)"""
import json
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

import numpy
import tritonclient.http as triton
from huggingface_hub import InferenceClient
from prometheus_client.parser import text_string_to_metric_families

PROGRAM = sys.argv.pop(1)
TEXTS = ['I love this, it is wonderful!', 'I hate this, it is awful.']


def setUpModule():
    global server, url
    server = subprocess.Popen([PROGRAM, 'serve', '--port', '0'], stdout=subprocess.PIPE, text=True)
    url = server.stdout.readline().strip()


def tearDownModule():
    server.terminate()
    server.wait(20)
    server.stdout.close()


def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data, {'Content-Type': 'application/json'})) as reply:
        return reply.read().decode()


def native():
    documents = [{'id': str(number), 'text': text} for number, text in enumerate(TEXTS)]
    return json.loads(ask('/v1/analyze', {'documents': documents}))['documents']


class Clients(unittest.TestCase):
    def test_hugging_face_inference_client(self):
        got = InferenceClient(url).text_classification(TEXTS[0])
        self.assertEqual({row.label: round(row.score, 6) for row in got},
                         {label: round(score, 6) for label, score in native()[0]['scores'].items()})
        self.assertEqual(len(InferenceClient(url).text_classification(TEXTS[0], top_k=1)), 1)

    def test_triton_client(self):
        client = triton.InferenceServerClient(url.removeprefix('http://'))
        self.assertTrue(client.is_server_live() and client.is_server_ready() and client.is_model_ready('default'))
        self.assertFalse(client.is_model_ready('nothing'))
        self.assertEqual(client.get_model_metadata('default')['inputs'][0]['datatype'], 'BYTES')
        for binary in (False, True):
            tensor = triton.InferInput('text', [2], 'BYTES')
            tensor.set_data_from_numpy(numpy.array(TEXTS, dtype=object), binary_data=binary)
            for outputs in (None, [triton.InferRequestedOutput(name, binary_data=binary) for name in ('label', 'score')]):
                result = client.infer('default', [tensor], outputs=outputs, request_id='r1')
                labels = [value.decode() if isinstance(value, bytes) else value for value in result.as_numpy('label')]
                self.assertEqual(labels, [row['label'] for row in native()])
                for score, row in zip(result.as_numpy('score'), native()):
                    self.assertAlmostEqual(float(score), row['score'], places=5)
        client.close()

    def test_prometheus(self):
        native()
        families = {family.name: family.type for family in text_string_to_metric_families(ask('/metrics'))}
        self.assertEqual(families['valence_requests'], 'counter')
        self.assertEqual(families['valence_queue_depth'], 'gauge')
        self.assertEqual(families['valence_request_duration_seconds'], 'histogram')

    def test_schemathesis(self):
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run([sys.executable, '-m', 'schemathesis.cli', 'run', url + '/openapi.json', '--seed', '7',
                                  '--max-examples', '15', '--phases', 'examples,coverage,fuzzing', '--suppress-health-check',
                                  'all', '--warnings', 'off', '--checks', 'not_a_server_error,status_code_conformance,'
                                  'content_type_conformance,response_headers_conformance,response_schema_conformance'],
                                 cwd=folder, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout[-3000:] + run.stderr[-500:])
        self.assertTrue(re.search(r'\d+ generated', run.stdout), run.stdout[-500:])


if __name__ == '__main__':
    unittest.main()
