#!/usr/bin/env python3
"""Train adapters for other tasks on the default model, with the program itself.

    python tools/make_adapters.py --data DATA --out OUT [--tasks irony,offensive]

DATA holds one folder a set with train.tsv.gz and dev.tsv.gz (header "label<TAB>text", no quoting). OUT gets for each task
its rows, the run (TASK-run) and the folder to ship (TASK), which `valence analyze --tasks OUT/TASK` takes as it is. LoRA
of rank 16 on all matrices of the last three layers: what lies below is computed once for all tasks. The best epoch by dev
is kept, its tensors rounded to bf16. Needs nothing but Python's own library.
"""
import argparse
import array
import csv
import gzip
import json
import os
import random
import struct
import subprocess

# Of a task: its set, the most rows, epochs and the learning rate.
TASKS = {
    'irony': ('en-tweeteval-irony', 10_000, 8, '1e-3'),
    'offensive': ('en-tweeteval-offensive', 20_000, 1, '1e-3'),
    'sentiment-5': ('en-sst5', 10_000, 1, '1e-3'),
    'sentiment-2': ('en-sst2', 0, 0, ''),  # not trained: the model's own head without neutral
    'emotion': ('en-goemotions', 50_000, 5, '1e-3'),
}
# The grouping of GoEmotions' 27 emotions under Ekman's six that its authors publish; a row may have several.
EMOTIONS = {
    'anger': 'anger annoyance disapproval', 'disgust': 'disgust', 'fear': 'fear nervousness',
    'joy': 'joy amusement approval excitement gratitude love optimism relief pride admiration desire caring',
    'neutral': 'neutral', 'sadness': 'sadness disappointment embarrassment grief remorse',
    'surprise': 'surprise realization confusion curiosity',
}
LAYERS = (3, 4, 5)
MATRICES = ('attention.self.query', 'attention.self.key', 'attention.self.value', 'attention.output.dense',
            'intermediate.dense', 'output.dense')


def labels_of(task, label):
    """A row's labels, joined by commas where there are several."""
    if task != 'emotion':
        return label
    return ','.join(group for group, names in EMOTIONS.items() if set(names.split()) & set(label.split(',')))


def read_rows(data, task, split):
    """(text, labels) of the rows that have both."""
    with gzip.open(os.path.join(data, TASKS[task][0], split + '.tsv.gz'), 'rt', encoding='utf-8', newline='\n') as file:
        next(file)
        rows = [line.rstrip('\n').partition('\t') for line in file]
    return [(text, labels_of(task, label)) for label, _, text in rows if text.strip() and labels_of(task, label)]


def write_rows(data, task, split, most, path, seed):
    rows = read_rows(data, task, split)
    random.Random(seed).shuffle(rows)
    with open(path, 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['text', 'label'])
        writer.writerows(rows[:most])
    return path


def read_tensors(path):
    """{name: (type, shape, bytes)}"""
    with open(path, 'rb') as file:
        size, = struct.unpack('<Q', file.read(8))
        header, values = json.loads(file.read(size)), file.read()
    header.pop('__metadata__', None)
    return {name: (one['dtype'], one['shape'], values[slice(*one['data_offsets'])]) for name, one in header.items()}


def write_adapter(folder, config, adapter_config, tensors):
    """A folder for --tasks; `tensors` are (shape, bytes in fp32), and are rounded to bf16."""
    os.makedirs(folder, exist_ok=True)
    adapter_config['base_model_name_or_path'] = 'default'
    for name, values in (('config.json', config), ('adapter_config.json', adapter_config)):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            json.dump(values, file, indent=1)
            file.write('\n')
    header, at, parts = {}, 0, []
    for name, (shape, values) in tensors.items():
        # To the nearest, ties to even.
        bits = array.array('I', values)
        parts.append(array.array('H', [(b + 0x7FFF + (b >> 16 & 1)) >> 16 for b in bits]).tobytes())
        header[name] = {'dtype': 'BF16', 'shape': shape, 'data_offsets': [at, at + len(parts[-1])]}
        at += len(parts[-1])
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(os.path.join(folder, 'adapter_model.safetensors'), 'wb') as file:
        file.write(struct.pack('<Q', len(text)) + text + b''.join(parts))


def ship(run, folder):
    """What a task needs of its run."""
    with open(os.path.join(run, 'config.json'), encoding='utf-8') as file:
        config = json.load(file)
    with open(os.path.join(run, 'adapter_config.json'), encoding='utf-8') as file:
        adapter_config = json.load(file)
    tensors = read_tensors(os.path.join(run, 'adapter_model.safetensors'))
    write_adapter(folder, config, adapter_config, {name: tensor[1:] for name, tensor in tensors.items()})


def ship_two_classes(model, folder):
    """The head of the model's negative and positive classes."""
    with open(os.path.join(model, 'config.json'), encoding='utf-8') as file:
        config = json.load(file)
    tensors = read_tensors(os.path.join(model, 'model.safetensors'))
    rows = [config['label2id'][label] for label in ('negative', 'positive')]
    head = {}
    for name in ('classifier.weight', 'classifier.bias'):
        kind, shape, values = tensors[name]
        if kind != 'F32':
            raise SystemExit(f'{name} is in {kind}, expected F32')
        size = len(values) // shape[0]
        head['base_model.model.' + name] = ([2, *shape[1:]], b''.join(values[row * size:(row + 1) * size] for row in rows))
    config.pop('quantization_config', None)
    config.update(id2label={'0': 'negative', '1': 'positive'}, label2id={'negative': 0, 'positive': 1})
    write_adapter(folder, config, {
        'peft_type': 'LORA', 'task_type': 'SEQ_CLS', 'inference_mode': True, 'r': 1, 'lora_alpha': 1, 'lora_dropout': 0.0,
        'target_modules': ['query'], 'modules_to_save': ['classifier'], 'bias': 'none', 'fan_in_fan_out': False,
        'init_lora_weights': True, 'use_rslora': False, 'use_dora': False}, head)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True)
    parser.add_argument('--tasks', default=','.join(TASKS))
    parser.add_argument('--model', default='models/default', help='the folder of the default model')
    parser.add_argument('--valence', default='build/release/valence')
    parser.add_argument('--threads', default='1')
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    targets = ','.join(f'layer.{layer}.{matrix}' for layer in LAYERS for matrix in MATRICES)
    os.makedirs(options.out, exist_ok=True)
    for task in options.tasks.split(','):
        _, most, epochs, rate = TASKS[task]
        if task == 'sentiment-2':
            ship_two_classes(options.model, os.path.join(options.out, task))
            continue
        rows = [write_rows(options.data, task, split, most, os.path.join(options.out, f'{task}-{split}.csv'), options.seed)
                for split in ('train', 'dev')]
        several = ['--problem-type', 'multi_label_classification', '--label-separator', ','] if task == 'emotion' else []
        run, folder = (os.path.join(options.out, task + end) for end in ('-run', ''))
        subprocess.run([options.valence, 'train', rows[0], *several, '--text-column', 'text', '--label-column', 'label', '--model',
                        options.model, '-o', run, '--method', 'lora', '--targets', targets, '--rank', '16', '--alpha',
                        '32', '--dropout', '0.1', '--learning-rate', rate, '--validation', rows[1],
                        '--epochs', str(epochs), '--batch-size', '32', '--accumulation', '1', '--max-length', '64',
                        '--dtype', 'bf16', '--device', 'cpu', '--threads', options.threads, '--log-every', '50',
                        '--seed', str(options.seed)], check=True)
        ship(run, folder)


if __name__ == '__main__':
    main()
