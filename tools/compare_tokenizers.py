#!/usr/bin/env python3
"""Holds `valence tokenize` against Hugging Face tokenizers: ids and offsets of real, odd and random texts.

    tools/compare_tokenizers.py [--program build/release/valence] [--random 20000] [--seed 1] MODEL [FILE...]

MODEL is a folder; the reference is what tokenizers makes of its tokenizer.json, else what transformers (AutoTokenizer)
makes of its files, else, for a SentencePiece model, the ids of sentencepiece. FILE holds texts: plain lines, or JSON
Lines with a field "text". Prints the first differences of each kind; status 1 if there is any.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

os.environ['TOKENIZERS_PARALLELISM'] = 'true'
os.environ['TRANSFORMERS_VERBOSITY'] = 'error'
PLANES = [(0, 0x80), (0x80, 0x250), (0x250, 0x2000), (0x2000, 0x2C00), (0x2C00, 0xD800), (0xE000, 0x10000),
          (0x10000, 0x20000), (0x1F000, 0x1FB00), (0x20000, 0x30000), (0xE0000, 0xE0200), (0x30000, 0x110000)]
SCRIPTS = [(0x61, 0x7B), (0x41, 0x5B), (0x30, 0x3A), (0xC0, 0x180), (0x370, 0x400), (0x400, 0x500), (0x590, 0x600),
           (0x600, 0x700), (0x900, 0x980), (0xE00, 0xE80), (0x1100, 0x1200), (0x1E00, 0x1F00), (0x3040, 0x3100),
           (0x4E00, 0x5000), (0xAC00, 0xAE00), (0x300, 0x370), (0xFF00, 0xFFF0)]
ODD = ['[MASK]', '[CLS]', '[SEP]', '[PAD]', '[UNK]', '[mask]', '<s>', '</s>', '<mask>', '<pad>', '<unk>', '<S>', '##ing',
       '\u2581', '\u0120', '<0x0A>', ' ', '  ', '   ', '\t', '\0', '\x07', '\x0b', '\x0c', '\x1c', '\x7f', '\x85', '\xa0',
       '\xad', '\xe9', 'e\u0301', '\u1ead', '\u0130', '\u0131', '\xdf', '\u1e9e', '\u03a3', '\u03c2', '\u0149', '\ufb01',
       '\uff21', '\uff76\uff9e', '\u337f', '\ufdfa', '\xbd', '\xb2', '\u200b', '\u200c', '\u200d', '\u200e', '\u2028',
       '\u202e', '\u3000', '\ufe0f', '\ufeff', '\ufffd', '\ufffe', '\u1100\u1161', '\ud55c', '\u4e2d', '\U0001f468\u200d\U0001f4bb',
       '\U0001f44d\U0001f3fd', '\U0001f1eb\U0001f1f7', '\u0915\u094d\u0937', '\u0301', '\u0378', '\U0010ffff', "don't", "'s",
       "'RE", '12345', '3.14', '...', '!!!', '@user', '#tag', 'http://a.b/c?d=e', 'the', 'Love', 'unbelievable', '\r']


def random_text(rng):
    kind = rng.random()
    if kind < 0.3:
        return ''.join(rng.choice(ODD) for _ in range(rng.randint(1, 9)))
    if kind < 0.5:
        return ''.join(chr(rng.randrange(*rng.choice(PLANES))) for _ in range(rng.randint(1, 14)))
    words = []
    for _ in range(rng.randint(1, 8)):
        low, high = rng.choice(SCRIPTS)
        words.append(''.join(chr(rng.randrange(low, high)) for _ in range(rng.randint(1, 12))))
        if rng.random() < 0.2:
            words.append(rng.choice(ODD))
    return rng.choice([' ', ' ', '', '  ', '-']).join(words)


def long_texts(rng):
    yield from ('', ' ', '   ', '\t', '\u3000', ' x ', 'e' + '\u0301' * 3000, 'ab' * 5000, '\u4e2d' * 3000, 'a' * 99, 'a' * 100,
                'a' * 101, '\xe9' * 100, '\xe9' * 101, ' ' * 3000, "'" * 500, '\U0001f469\u200d' * 500, '\u1100' * 600)
    yield ' '.join(rng.choice(['good', 'bad', 'unbelievable', '\xf1and\xfa', '\U0001f642', '.']) for _ in range(20000))


def file_texts(path):
    with open(path, encoding='utf-8', newline='\n') as file:
        for line in file:
            text = json.loads(line)['text'] if path.endswith('.jsonl') else line.rstrip('\n')
            yield text.replace('\n', ' ').rstrip('\r')


def own_rows(program, model, texts):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, 'texts.txt')
        path.write_bytes(''.join(text + '\n' for text in texts).encode())
        with open(path.with_suffix('.out'), 'w+b') as out:
            subprocess.run([program, 'tokenize', '--model', model, path], check=True, stdout=out)
            out.seek(0)
            rows = [(row['ids'], [tuple(pair) for pair in row['offsets']], row['tokens'])
                    for row in map(json.loads, out.read().split(b'\n')[:-1])]
        with open(path.with_suffix('.ids'), 'w+b') as out:  # the fast path
            subprocess.run([program, 'tokenize', '--format', 'ids', '--model', model, path], check=True, stdout=out)
            out.seek(0)
            fast = [list(map(int, line.split())) for line in out.read().split(b'\n')[:-1]]
    return rows, fast


def reference(model):
    """(rows of ids and offsets for texts, whether the offsets count)"""
    from tokenizers import Tokenizer
    folder = pathlib.Path(model)
    models = [] if folder.is_file() else sorted(folder.glob('*.model'))
    if models and not (folder / 'tokenizer.json').exists():
        return sentencepiece_rows(folder, models[0]), False
    if (folder / 'tokenizer.json').exists():
        tokenizer = Tokenizer.from_file(str(folder / 'tokenizer.json'))
    else:
        from transformers import AutoTokenizer
        tokenizer = AutoTokenizer.from_pretrained(model).backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda texts: [(row.ids, row.offsets) for row in tokenizer.encode_batch(texts)], True


def sentencepiece_rows(folder, path):
    import sentencepiece
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(path))
    config = json.loads((folder / 'config.json').read_text()) if (folder / 'config.json').exists() else {}
    kind = config.get('model_type')
    special = {'xlm-roberta': ['<s>', '</s>', '<pad>', '<unk>', '<mask>'],
               'deberta-v2': ['[CLS]', '[SEP]', '[PAD]', '[UNK]', '[MASK]']}.get(kind, [])

    def ids(text):
        if kind == 'xlm-roberta':
            return [0] + [{0: 3, 1: 0, 2: 2}.get(k, k + 1) for k in pieces.encode(text)] + [2]
        return [1] + pieces.encode(text) + [2] if kind else pieces.encode(text)
    return lambda texts: [None if any(one in text for one in special) else (ids(text), None) for text in texts]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('files', nargs='*')
    parser.add_argument('--program', default='build/release/valence')
    parser.add_argument('--random', type=int, default=20000)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    texts = [text for path in options.files for text in file_texts(path)] + list(long_texts(rng))
    texts += [random_text(rng).replace('\n', ' ').rstrip('\r') for _ in range(options.random)]
    rows, fast = own_rows(options.program, options.model, texts)
    rows_of, has_offsets = reference(options.model)
    wanted = rows_of(texts)
    faults = {'rows': [] if len(rows) == len(fast) == len(texts) else ['number of rows'], 'ids': [], 'offsets': [],
              'ids alone': []}
    for text, (ids, offsets, tokens), alone, want in zip(texts, rows, fast, wanted):
        if ids != alone:
            faults['ids alone'].append((text, alone, ids))
        if want and ids != want[0]:
            faults['ids'].append((text, ids, want[0], tokens))
        elif want and has_offsets and offsets != want[1]:
            faults['offsets'].append((text, offsets, want[1], tokens))
    for kind, found in faults.items():
        print(f'{kind}: {len(found)} of {len(texts)} differ')
        for fault in sorted(found, key=lambda fault: len(str(fault)))[:4]:
            print('   ', ascii(fault)[:700])
    return any(faults.values())


if __name__ == '__main__':
    sys.exit(main())
