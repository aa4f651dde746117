#!/usr/bin/env python3
"""One way to fine-tune in PyTorch, timed: texts/s and peak memory on a checkpoint.

    python bench/training_peers.py full|lora|lora-bf16|qlora CHECKPOINT TEXTS ROWS THREADS

Batch 8, four batches an update, AdamW; LoRA of rank 8 on the query and value matrices by PEFT, bf16 by autocast, NF4
with double quantization by bitsandbytes. The first update warms up; then each update's texts/s is printed as it ends,
and at the end the peak memory in MB.
"""
import resource
import sys
import time

import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification, BitsAndBytesConfig

BATCH, ACCUMULATION = 8, 4


def load(mode, folder):
    extra = {}
    if mode == 'qlora':
        extra['quantization_config'] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type='nf4', bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16, llm_int8_skip_modules=['classifier', 'pre_classifier'])
    model = AutoModelForSequenceClassification.from_pretrained(folder, **extra)
    if mode == 'full':
        return model
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    if mode == 'qlora':
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    targets = ['q_lin', 'v_lin'] if model.config.model_type == 'distilbert' else ['query', 'value']
    return get_peft_model(model, LoraConfig(task_type='SEQ_CLS', r=8, lora_alpha=16, target_modules=targets,
                                            lora_dropout=0.1))


def main():
    mode, folder, texts_file, rows, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    texts = open(texts_file, encoding='utf-8', newline='\n').read().split('\n')[:int(rows)]
    tokenizer = Tokenizer.from_file(folder + '/tokenizer.json')
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding(pad_id=0)
    model = load(mode, folder)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=2e-5)
    model.train()
    began = time.perf_counter()
    for step, start in enumerate(range(0, len(texts), BATCH)):
        batch = tokenizer.encode_batch(texts[start:start + BATCH])
        ids = torch.tensor([row.ids for row in batch])
        mask = torch.tensor([row.attention_mask for row in batch])
        labels = torch.arange(len(batch)) % 2
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=mode in ('lora-bf16', 'qlora')):
            loss = model(ids, attention_mask=mask, labels=labels).loss / ACCUMULATION
        loss.backward()
        if step % ACCUMULATION < ACCUMULATION - 1:
            continue
        optimizer.step()
        optimizer.zero_grad()
        now = time.perf_counter()
        if step >= ACCUMULATION:
            print(f'{BATCH * ACCUMULATION / (now - began):.2f} texts/s', flush=True)
        began = now
    print(f'{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB', flush=True)


if __name__ == '__main__':
    main()
