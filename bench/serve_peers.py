#!/usr/bin/env python3
"""A peer as a server on 127.0.0.1, the way it is usually put up: FastAPI behind uvicorn, one process.

    python bench/serve_peers.py PEER CHECKPOINT PORT THREADS

PEER is torch-fp32, ort-fp32 or ort-int8 of peers.py. POST /predict takes {"inputs": TEXT} and answers a sorted list, as ours does.
Requests are handled in a pool of threads, each text by itself: that is what the usual example does.
"""
import sys

import fastapi
import numpy as np
import tokenizers
import uvicorn

from peers import PEERS

app = fastapi.FastAPI()


def load(name, folder, threads):
    family, _, precision = name.partition('-')
    logits = PEERS[family](folder, precision, threads)
    tokenizer = tokenizers.Tokenizer.from_file(f'{folder}/tokenizer.json')

    def predict(text):
        encoding = tokenizer.encode(text)
        row = logits(np.array([encoding.ids], np.int64), np.ones((1, len(encoding.ids)), np.int64))[0]
        powers = np.exp(row - row.max())
        scores = powers / powers.sum()
        return [{'label': f'LABEL_{k}', 'score': float(scores[k])} for k in np.argsort(-scores)]
    return predict


def main():
    name, folder, port, threads = sys.argv[1:]
    predict = load(name, folder, int(threads))

    @app.post('/predict')
    def answer(body: dict):
        return predict(body['inputs'])

    uvicorn.run(app, host='127.0.0.1', port=int(port), log_level='error', access_log=False)


if __name__ == '__main__':
    main()
