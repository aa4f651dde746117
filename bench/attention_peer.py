#!/usr/bin/env python3
"""Attention, forward and backward, in PyTorch on one core: the peer of attention_training_bench.

    python bench/attention_peer.py

12 heads of 64, 2,048 tokens in texts of one length; the median of seven, in milliseconds: softmax(Q K') V written out, and
scaled_dot_product_attention.
"""
import math
import statistics
import time

import torch

HEADS, DIM, TOKENS = 12, 64, 2048


def written_out(query, key, value):
    return torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(DIM), -1) @ value


def milliseconds(attention, inputs, gradient):
    times = []
    for _ in range(8):
        for tensor in inputs:
            tensor.grad = None
        began = time.perf_counter()
        attention(*inputs).backward(gradient)
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times[1:])


def main():
    torch.set_num_threads(1)
    print(f'{"tokens":>6} {"written out":>12} {"SDPA":>8}')
    for length in (128, 256, 512):
        *inputs, gradient = (torch.rand(TOKENS // length, HEADS, length, DIM) - 0.5 for _ in range(4))
        for tensor in inputs:
            tensor.requires_grad_()
        times = [milliseconds(attention, inputs, gradient)
                 for attention in (written_out, torch.nn.functional.scaled_dot_product_attention)]
        print(f'{length:>6} {times[0]:>12.1f} {times[1]:>8.1f}')


if __name__ == '__main__':
    main()
