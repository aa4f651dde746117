#!/usr/bin/env python3
"""One peer as a process that waits: it loads a checkpoint, then times a pass over the texts when asked.

    python bench/peers.py PEER CHECKPOINT TEXTS THREADS BATCH

PEER is torch-fp32, torch-int8, ort-fp32, ort-int8, ov-int8 or ct2-int8. Prints `ready SECONDS` once loaded. Then each
line of stdin is a command: `pass` prints the seconds of one pass from text to logits, in batches of texts sorted by
length, padded to the longest of the batch; `each` prints the milliseconds of each text alone; `memory` the peak in MB.
"""
import os
import resource
import sys
import time

import numpy as np


def onnxruntime_peer(folder, precision, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    name = {'fp32': 'model.onnx', 'int8': 'model.int8.onnx'}[precision]
    session = onnxruntime.InferenceSession(f'{folder}/peers/{name}', options, providers=['CPUExecutionProvider'])
    return lambda ids, mask: session.run(None, {'input_ids': ids, 'attention_mask': mask})[0]


def torch_peer(folder, precision, threads):
    import torch
    from transformers import AutoModelForSequenceClassification
    torch.set_num_threads(threads)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    if precision == 'int8':
        model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)

    def logits(ids, mask):
        with torch.inference_mode():
            return model(torch.from_numpy(ids), torch.from_numpy(mask)).logits.numpy()
    return logits


def openvino_peer(folder, precision, threads):
    import openvino
    name = {'int8': 'openvino.int8.xml', 'fp32': 'plain.onnx'}[precision]
    settings = {'INFERENCE_NUM_THREADS': threads, 'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': 'f32'}
    request = openvino.Core().compile_model(f'{folder}/peers/{name}', 'CPU', settings).create_infer_request()
    return lambda ids, mask: request.infer([ids, mask])


def ctranslate2_peer(folder, precision, threads):
    import ctranslate2
    encoder = ctranslate2.Encoder(f'{folder}/peers/ct2.{precision}', device='cpu', intra_threads=threads,
                                  compute_type=precision)

    def hidden(ids, mask):  # it has no classification head: the head is not timed, in its favour
        rows = [row[:length].tolist() for row, length in zip(ids, mask.sum(1))]
        return np.array(encoder.forward_batch(rows).last_hidden_state)
    return hidden


PEERS = {'ort': onnxruntime_peer, 'torch': torch_peer, 'ov': openvino_peer, 'ct2': ctranslate2_peer}


def one_pass(tokenizer, logits, texts, batch):
    order = sorted(texts, key=len)
    for start in range(0, len(order), batch):
        rows = [row.ids for row in tokenizer.encode_batch(order[start:start + batch])]
        ids, mask = np.zeros((2, len(rows), max(map(len, rows))), np.int64)
        for k, row in enumerate(rows):
            ids[k, :len(row)], mask[k, :len(row)] = row, 1
        logits(ids, mask)


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main(peer, folder, texts_file, threads, batch):
    os.environ.update(OMP_NUM_THREADS=threads, RAYON_NUM_THREADS=threads, TOKENIZERS_PARALLELISM='false')
    from tokenizers import Tokenizer
    started = time.perf_counter()
    kind, precision = peer.split('-')
    tokenizer = Tokenizer.from_file(f'{folder}/tokenizer.json')
    tokenizer.enable_truncation(512)
    tokenizer.no_padding()
    logits = PEERS[kind](folder, precision, int(threads))
    texts = open(texts_file, encoding='utf-8', newline='\n').read().rstrip('\n').split('\n')
    batch = int(batch)
    one_pass(tokenizer, logits, texts[:2 * batch], batch)
    print('ready', time.perf_counter() - started, flush=True)
    for command in map(str.strip, sys.stdin):
        if command == 'pass':
            print(seconds(lambda: one_pass(tokenizer, logits, texts, batch)), flush=True)
        elif command == 'each':
            print(*[1e3 * seconds(lambda: one_pass(tokenizer, logits, [text], 1)) for text in texts], flush=True)
        elif command == 'memory':
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)


if __name__ == '__main__':
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
