#!/usr/bin/env python3
"""Answers and speed on a GPU, ours and PyTorch's in one run.

    python bench/gpu/compare.py TEXTS TOKENIZERS [--models distilbert,roberta] [--compile] [--build build/cuda]

TEXTS is a file of plain lines (tweets). TOKENIZERS holds the folders bert-base-uncased and roberta-base, each with a
tokenizer.json. Needs torch and transformers. Makes a checkpoint of the true shape with random weights for each model,
then prints: the largest distance of the logits of 500 texts from the CPU's in fp32; whether a text has the same bits
in another batch and when memory runs short; the rate of the model alone, on the texts and at 128 equal tokens, beside
PyTorch in bf16 with SDPA (and compiled with --compile); and the rate from a CSV file to one.
"""
import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import torch
import transformers

SHAPES = {'distilbert': ('bert-base-uncased', 'DistilBert', dict(vocab_size=30522)),
          'roberta': ('roberta-base', 'Roberta', dict(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1,
                                                      layer_norm_eps=1e-5, pad_token_id=1, bos_token_id=0,
                                                      eos_token_id=2))}
EQUAL_TOKENS = 128
SECONDS = 3


def make_checkpoint(name, tokenizers, folder):
    tokenizer, family, changes = SHAPES[name]
    torch.manual_seed(1)
    config = getattr(transformers, family + 'Config')(num_labels=3, **changes)
    model = getattr(transformers, family + 'ForSequenceClassification')(config).eval()
    with torch.no_grad():  # answers that differ from text to text
        for parameter, values in model.named_parameters():
            if values.dim() == 2 and 'embedding' not in parameter:
                values.mul_(2)
    model.save_pretrained(folder)
    for file in ('tokenizer.json', 'tokenizer_config.json', 'vocab.txt', 'vocab.json', 'merges.txt'):
        source = os.path.join(tokenizers, tokenizer, file)
        if os.path.exists(source):
            shutil.copy(source, folder)
    return model


class Program:
    def __init__(self, build, folder):
        self.valence = os.path.join(build, 'valence')
        self.model_rate = os.path.join(build, 'bench', 'model_rate')
        self.folder = folder

    def logits(self, model, texts, *options):
        path = os.path.join(self.folder, 'texts.txt')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(''.join(text + '\n' for text in texts))
        done = subprocess.run([self.valence, 'analyze', '--model', model, '--logits', '--quiet', '--format', 'jsonl', *options,
                               '--file', path], capture_output=True, text=True)
        if done.returncode not in (0, 3):
            raise SystemExit(f'analyze {options}: {done.stderr}')
        return [json.loads(line)['logits'] for line in done.stdout.splitlines()]

    def rate(self, model, lengths, dtype='bf16'):
        path = os.path.join(self.folder, 'lengths.txt')
        with open(path, 'w') as file:
            file.write(''.join(f'{length}\n' for length in lengths))
        done = subprocess.run([self.model_rate, model, path, str(SECONDS), dtype], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f'model_rate: {done.stderr}')
        return json.loads(done.stdout)

    def file_rate(self, model, texts, rows):
        source, target = os.path.join(self.folder, 'rows.csv'), os.path.join(self.folder, 'labelled.csv')
        with open(source, 'w', encoding='utf-8', newline='') as file:
            writer = csv.writer(file)
            writer.writerow(['text'])
            for k in range(rows):
                writer.writerow([texts[k % len(texts)]])
        start = time.time()
        subprocess.run([self.valence, 'analyze', source, '--model', model, '--device', 'cuda', '--quiet', '-o', target],
                       check=True)
        return rows / (time.time() - start)


def furthest(ours, theirs):
    return max(abs(a - b) for one, other in zip(ours, theirs) for a, b in zip(one, other))


def check_answers(program, model, texts):
    some = texts[:500]
    cpu = program.logits(model, some, '--device', 'cpu', '--dtype', 'fp32')
    spread = max(max(row) for row in cpu) - min(min(row) for row in cpu)
    distances = {dtype: furthest(program.logits(model, some, '--device', 'cuda', '--dtype', dtype), cpu)
                 for dtype in ('fp32', 'bf16')}
    nf4 = furthest(program.logits(model, some, '--device', 'cuda', '--dtype', 'nf4'),
                   program.logits(model, some, '--device', 'cpu', '--dtype', 'nf4'))
    print(f'  logits (spread {spread:.2f}): fp32 within {distances["fp32"]:.1e} of the CPU, bf16 {distances["bf16"]:.1e}, '
          f'nf4 {nf4:.1e} of the CPU\'s nf4', flush=True)
    whole = program.logits(model, some, '--device', 'cuda')
    order = random.Random(1).sample(range(len(some)), 200)
    other = program.logits(model, [some[k] for k in order], '--device', 'cuda', '--threads', '3')
    print('  the same bits in another batch:', other == [whole[k] for k in order], flush=True)


def check_short_memory(program, model, texts):
    """Leaves the program less memory than a usual batch wants."""
    many = (texts * 3)[:20000]
    whole = program.logits(model, many, '--device', 'cuda', '--threads', '1')
    torch.cuda.empty_cache()
    free, _ = torch.cuda.mem_get_info()
    for leave in (1100, 800, 700, 600):
        taken = torch.empty(free - (leave << 20), dtype=torch.uint8, device='cuda')
        try:
            short = program.logits(model, many, '--device', 'cuda', '--threads', '1')
            print(f'  the same answers with {leave} MiB free:', short == whole, flush=True)
        except SystemExit as error:
            print(f'  with {leave} MiB free: {str(error).strip()}', flush=True)
        del taken
        torch.cuda.empty_cache()


def peer_rate(model, lengths, batch, sort):
    """Texts a second of PyTorch, padded to the longest of a batch; sorted within 1,024 texts, or in order."""
    if sort:
        lengths = [length for begin in range(0, len(lengths), 1024) for length in sorted(lengths[begin:begin + 1024])]
    batches = []
    for begin in range(0, len(lengths) - batch + 1, batch):
        part = torch.tensor(lengths[begin:begin + batch])
        mask = (torch.arange(int(part.max()))[None, :] < part[:, None]).long()
        ids = torch.randint(5, 30000, mask.shape)
        batches.append((ids.cuda(), mask.cuda()))
    done, k = 0, 0
    with torch.inference_mode():
        for ids, mask in batches[:3]:
            model(input_ids=ids, attention_mask=mask)
        torch.cuda.synchronize()
        start = time.time()
        while time.time() - start < SECONDS / 2:
            for _ in range(8):
                ids, mask = batches[k % len(batches)]
                model(input_ids=ids, attention_mask=mask)
                done, k = done + batch, k + 1
            torch.cuda.synchronize()
        return done / (time.time() - start)


def compare_rates(program, folder, model, lengths, compiled):
    model = model.to('cuda', torch.bfloat16)
    model.config._attn_implementation = 'sdpa'
    equal = [EQUAL_TOKENS] * 4096
    ours = {'texts': program.rate(folder, lengths), 'equal': program.rate(folder, equal)}
    rows = []
    kinds = [('eager', model)] + ([('compiled', torch.compile(model, dynamic=True))] if compiled else [])
    for kind, callable_model in kinds:
        rows.append(('texts', f'PyTorch {kind}, padded in order',
                     max(peer_rate(callable_model, lengths, batch, False) for batch in (64, 256, 1024))))
        rows.append(('texts', f'PyTorch {kind}, padded after sorting',
                     max(peer_rate(callable_model, lengths, batch, True) for batch in (64, 256, 1024))))
        rows.append(('equal', f'PyTorch {kind}', max(peer_rate(callable_model, equal, batch, False) for batch in (64, 256, 1024))))
    for what, name in (('texts', 'the texts'), ('equal', f'{EQUAL_TOKENS} equal tokens')):
        rate = ours[what]
        print(f'  {name}: {rate["texts_per_s"]} texts/s, {rate["tokens_per_s"]} tokens/s, {rate["tflops"]} TFLOP/s of '
              f'{rate["peak_tflops"]} ({100 * rate["tflops"] / rate["peak_tflops"]:.0f}%)')
        for kind, peer, peer_texts in rows:
            if kind == what:
                print(f'    {peer}: {peer_texts:.0f} texts/s, ours is {rate["texts_per_s"] / peer_texts:.2f} times that',
                      flush=True)
    nf4 = program.rate(folder, equal, 'nf4')
    print(f'  nf4 at {EQUAL_TOKENS} equal tokens: {nf4["texts_per_s"]} texts/s', flush=True)
    return ours['texts']['texts_per_s']


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('texts')
    parser.add_argument('tokenizers')
    parser.add_argument('--models', default='distilbert,roberta')
    parser.add_argument('--compile', action='store_true')
    parser.add_argument('--rows', type=int, default=400_000)
    parser.add_argument('--build', default='build/cuda')
    options = parser.parse_args()
    with open(options.texts, encoding='utf-8') as file:
        texts = [line for line in file.read().split('\n') if line.strip()]
    print(torch.cuda.get_device_name(), 'torch', torch.__version__, flush=True)
    for name in options.models.split(','):
        with tempfile.TemporaryDirectory() as work:
            folder = os.path.join(work, name)
            model = make_checkpoint(name, options.tokenizers, folder)
            print(name, flush=True)
            program = Program(options.build, work)
            tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=os.path.join(folder, 'tokenizer.json'))
            lengths = [min(512, len(ids)) for ids in tokenizer(texts)['input_ids']]
            check_answers(program, folder, texts)
            rate = compare_rates(program, folder, model, lengths, options.compile)
            end_to_end = program.file_rate(folder, texts, options.rows)
            print(f'  from a CSV file to one, {options.rows} rows: {end_to_end:.0f} texts/s, '
                  f'{100 * end_to_end / rate:.0f}% of the model alone', flush=True)
            del model
            torch.cuda.empty_cache()
            check_short_memory(program, folder, texts)


if __name__ == '__main__':
    sys.exit(main())
