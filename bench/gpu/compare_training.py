#!/usr/bin/env python3
"""QLoRA steps on a GPU, ours and those of PEFT + bitsandbytes, in one run.

    python bench/gpu/compare_training.py TEXTS TOKENIZERS [--build build/cuda]

TEXTS and TOKENIZERS as in compare.py. Trains a DistilBERT-base of random weights by the recipe of the preset
qlora-distilbert (rank 8 on q_lin and v_lin, NF4 with double quantization, paged 8-bit AdamW, batch 8 x accumulation 4,
bf16), and full fine-tuning in fp32 beside PyTorch. Prints texts/s of further steps and the peak of the GPU memory that
each process takes, its CUDA context included. Needs torch, transformers, peft and bitsandbytes.
"""
import argparse
import csv
import os
import subprocess
import sys
import tempfile
import threading
import time

from compare import make_checkpoint

STEPS = 100
BATCH, ACCUMULATION = 8, 4


class MemoryWatch:
    """The largest amount of GPU memory in use while the block runs, beyond what was in use before it."""

    def __enter__(self):
        self.before, self.peak, self.stop = self.used(), 0, False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        self.thread.join()

    @staticmethod
    def used():
        return int(subprocess.run(['nvidia-smi', '--query-gpu=memory.used', '--format=csv,noheader,nounits'],
                                  capture_output=True, text=True).stdout.split()[0])

    def watch(self):
        while not self.stop:
            self.peak = max(self.peak, self.used() - self.before)
            time.sleep(0.05)


def ours(build, model, rows, folder, options):
    """Texts a second of the steps beyond the first STEPS."""
    seconds = {}
    with MemoryWatch() as memory:
        for steps in (STEPS, 5 * STEPS):
            out = os.path.join(folder, f'run{len(os.listdir(folder))}')
            start = time.time()
            done = subprocess.run([os.path.join(build, 'valence'), 'train', rows, '--text-column', 'text', '--label-column',
                                   'label', '--model', model, '-o', out, '--device', 'cuda', '--validation-share', '0',
                                   '--steps', str(steps), '--save-steps', '100000', *options], capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr)
            seconds[steps] = time.time() - start
    return 4 * STEPS * BATCH * ACCUMULATION / (seconds[5 * STEPS] - seconds[STEPS]), memory.peak


def peer(kind, model, rows):
    done = subprocess.run([sys.executable, __file__, '--peer', kind, model, rows], capture_output=True, text=True)
    if done.returncode:
        print(f'{kind}: {done.stderr[-800:]}')
        return None
    return float(done.stdout.split()[-1])


def run_peer(kind, model, rows):
    import torch
    import transformers
    device = 'cuda'
    if kind == 'qlora':
        import bitsandbytes
        import peft
        config = transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type='nf4',
                                                 bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16,
                                                 llm_int8_skip_modules=['pre_classifier', 'classifier'])
        net = transformers.AutoModelForSequenceClassification.from_pretrained(model, quantization_config=config,
                                                                              device_map={'': 0}, dtype=torch.bfloat16)
        lora = peft.LoraConfig(task_type='SEQ_CLS', r=8, lora_alpha=16, lora_dropout=0.1, target_modules=['q_lin', 'v_lin'])
        net = peft.get_peft_model(net, lora)
        optimizer = bitsandbytes.optim.PagedAdamW8bit([p for p in net.parameters() if p.requires_grad], lr=2e-5)
    else:
        net = transformers.AutoModelForSequenceClassification.from_pretrained(model, dtype=torch.float32).to(device)
        optimizer = torch.optim.AdamW(net.parameters(), lr=2e-5)
    net.train()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_file=os.path.join(model, 'tokenizer.json'),
                                                     pad_token='[PAD]')
    with open(rows, encoding='utf-8', newline='') as file:
        data = [(row['text'], int(row['label'][-1])) for row in csv.DictReader(file)]
    at = 0

    def step():
        nonlocal at
        for _ in range(ACCUMULATION):
            part = [data[(at + k) % len(data)] for k in range(BATCH)]
            at += BATCH
            inputs = tokenizer([text for text, _ in part], padding=True, truncation=True, max_length=128,
                               return_tensors='pt', return_token_type_ids=False).to(device)
            labels = torch.tensor([label for _, label in part], device=device)
            (net(**inputs, labels=labels).loss / ACCUMULATION).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    for _ in range(10):
        step()
    torch.cuda.synchronize()
    start = time.time()
    for _ in range(STEPS):
        step()
    torch.cuda.synchronize()
    print(STEPS * BATCH * ACCUMULATION / (time.time() - start))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('texts')
    parser.add_argument('tokenizers')
    parser.add_argument('--build', default='build/cuda')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model, rows = os.path.join(folder, 'distilbert'), os.path.join(folder, 'rows.csv')
        make_checkpoint('distilbert', options.tokenizers, model)
        with open(options.texts, encoding='utf-8') as texts, open(rows, 'w', encoding='utf-8', newline='') as file:
            writer = csv.writer(file)
            writer.writerow(['text', 'label'])
            lines = [line for line in texts.read().split('\n') if line.strip()]
            writer.writerows((line, f'LABEL_{k % 3}') for k, line in enumerate(lines))
        kinds = {'qlora': ['--preset', 'qlora-distilbert'],
                 'full': ['--method', 'full', '--batch-size', str(BATCH), '--accumulation', str(ACCUMULATION)]}
        for kind, arguments in kinds.items():
            rate, memory = ours(options.build, model, rows, folder, arguments)
            with MemoryWatch() as watch:
                peer_rate = peer(kind, model, rows)
            print(f'{kind}: {rate:.0f} texts/s, {memory} MiB of GPU memory', flush=True)
            if peer_rate:
                print(f'  the peer {peer_rate:.0f} texts/s, {watch.peak} MiB; ours is {rate / peer_rate:.2f} times as fast',
                      flush=True)


if __name__ == '__main__':
    if len(sys.argv) > 1 and sys.argv[1] == '--peer':
        run_peer(*sys.argv[2:])
    else:
        main()
