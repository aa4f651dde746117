#!/usr/bin/env python3
"""Writes tests/data/tokenizers/: small tokenizers of every kind, and what the reference makes of odd texts.

Made with tokenizers 0.23.3, transformers 5.23.0 and sentencepiece 0.2.3. Run from the repository root:

    python tools/make_tokenizer_goldens.py

texts.json holds the texts. Each folder is a tokenizer as people have it, and golden.json in it one row for each
text: [ids] or [ids, offsets], or null where the reference is not the one to ask. Offsets are a list of
numbers, two for a token: its begin less the end of the token before it, and its length, in code points.
default/ has the golden.json of models/default. stages.json has the stages of a tokenizer.json one by one (see
tools/stage_goldens.py).
"""

import base64
import collections
import importlib.metadata
import io
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile

os.environ['TOKENIZERS_PARALLELISM'] = 'false'
os.environ['TRANSFORMERS_VERBOSITY'] = 'error'
import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

import stage_goldens
from compare_tokenizers import random_text
from tokenizer_texts import TEXTS, TRAINING

ROOT = pathlib.Path('tests/data/tokenizers')
PINNED = {'tokenizers': '0.23.3', 'transformers': '5.23.0', 'sentencepiece': '0.2.3'}


def random_texts():
    rng = random.Random(20261124)
    texts = []
    while len(texts) < 24:
        text = random_text(rng)
        if len(text) <= 40:
            texts.append(text)
    return texts


def save(folder, **files):
    (ROOT / folder).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = ROOT / folder / name.replace('__', '.')
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content, ensure_ascii=False, separators=(',', ':')) + '\n'
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def deltas(offsets):
    out, end = [], 0
    for begin, stop in offsets:
        out += [begin - end, stop - begin]
        end = stop
    return out


def save_golden(folder, rows):
    (ROOT / folder).mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, separators=(',', ':')) for row in rows)
    (ROOT / folder / 'golden.json').write_text('[' + ',\n'.join(lines) + ']\n')


def fast_rows(tokenizer, texts):
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [[row.ids, deltas(row.offsets)] for row in tokenizer.encode_batch(texts)]


def word_pieces(words, size):
    """All characters, and the parts of words that save most. (The library's trainer is not repeatable.)"""
    letters = {'##' * (place > 0) + letter for word in words for place, letter in enumerate(word)}
    saved = collections.Counter()
    for word in words:
        for begin in range(len(word)):
            for end in range(begin + 2, min(len(word), begin + 7) + 1):
                saved['##' * (begin > 0) + word[begin:end]] += end - begin - 1
    parts = sorted(saved, key=lambda part: (-saved[part], part))[:size]
    return sorted(letters) + sorted(parts)


def make_bert(texts):
    for name, lowercase in (('bert-uncased', True), ('bert-cased', False)):
        normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        words = [
            word
            for line in TRAINING
            for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normalizer.normalize_str(line))
        ]
        vocab = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] + word_pieces(words, 200)
        save(
            name,
            vocab__txt=''.join(token + '\n' for token in vocab),
            tokenizer_config__json={'do_lower_case': lowercase, 'tokenizer_class': 'BertTokenizer'},
            config__json={'model_type': 'bert'},
        )
        loaded = AutoTokenizer.from_pretrained(ROOT / name)
        save_golden(name, fast_rows(loaded.backend_tokenizer, texts))
        # As published files have it: cut to a length and padded, which is not for a tokenizer to decide.
        loaded.backend_tokenizer.enable_truncation(8)
        loaded.backend_tokenizer.enable_padding(length=16)
        save(name + '-json', tokenizer__json=json.loads(loaded.backend_tokenizer.to_str()))
        save_golden(name + '-json', fast_rows(Tokenizer.from_str(loaded.backend_tokenizer.to_str()), texts))
    save_golden(
        'default', fast_rows(AutoTokenizer.from_pretrained('models/default').backend_tokenizer, texts)
    )


def make_roberta(texts):
    specials = ['<s>', '<pad>', '</s>', '<unk>', '<mask>']
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.train_from_iterator(
        TRAINING,
        trainers.BpeTrainer(
            vocab_size=460,
            special_tokens=specials,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        ),
    )
    model = json.loads(trained.to_str())['model']
    merges = ''.join(f'{left} {right}\n' for left, right in model['merges'])
    for name, prefix in (('roberta', False), ('roberta-prefix', True)):
        save(
            name,
            vocab__json=model['vocab'],
            merges__txt='#version: 0.2\n' + merges,
            tokenizer_config__json={'add_prefix_space': prefix, 'tokenizer_class': 'RobertaTokenizer'},
            config__json={'model_type': 'roberta'},
        )
        loaded = AutoTokenizer.from_pretrained(ROOT / name).backend_tokenizer
        save_golden(name, fast_rows(loaded, texts))
        loaded.post_processor = processors.RobertaProcessing(
            ('</s>', 2), ('<s>', 0), trim_offsets=prefix, add_prefix_space=prefix
        )
        save(name + '-json', tokenizer__json=json.loads(loaded.to_str()))
        save_golden(name + '-json', fast_rows(loaded, texts))


def train_sentencepiece(kind, size, **options):
    """A model with a small map of its own: of one key that begins another, of deletions, of white space."""
    rules = [
        'a0\t20',
        '3000\t20',
        '9\t20',
        'a\t20',
        'd\t20',
        '200b\t',
        'ad\t',
        'fb01\t66 69',
        'ff76\t30ab',
        'ff76 ff9e\t30ac',
        '337f\t682a 5f0f 4f1a 793e',
        '65 301\te9',
        'bd\t31 2044 32',
        'fdfa\t635 644 649 20 627',
        '212b\tc5',
        '7f\t',
        '1d400\t41',
    ]
    rules += [f'{code:x}\t{code - 0xfee0:x}' for code in range(0xFF01, 0xFF5F)]
    out = io.BytesIO()
    with tempfile.NamedTemporaryFile('w', suffix='.tsv') as tsv:
        tsv.write('\n'.join(rules) + '\n')
        tsv.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TRAINING),
            model_writer=out,
            model_type=kind,
            vocab_size=size,
            num_threads=1,
            hard_vocab_limit=False,
            normalization_rule_tsv=tsv.name,
            minloglevel=2,
            **{'character_coverage': 1.0, 'unk_surface': '?', **options},
        )
    model = sentencepiece_model_pb2.ModelProto.FromString(out.getvalue())
    model.trainer_spec.model_prefix = ''
    model.normalizer_spec.normalization_rule_tsv = ''
    return model


def pieces_rows(model, texts, ids=lambda found: found, special=()):
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())
    return [None if any(one in text for one in special) else [ids(processor.encode(text))] for text in texts]


def with_offsets(rows, fast, texts):
    """sentencepiece decides the ids; the offsets are those of tokenizers where it finds the same ids.

    Not where a key of the map takes two code points: tokenizers then leaves the second one out of the token.
    """
    keys = ('e\u0301', '\uff76\uff9e')
    return [
        row if row is None or row[0] != other[0] or any(key in text for key in keys) else other
        for row, other, text in zip(rows, fast, texts)
    ]


def make_bare_sentencepiece(texts):
    fallback = {'byte_fallback': True, 'character_coverage': 0.98}
    for name, model in {
        'spm-unigram': train_sentencepiece('unigram', 560, user_defined_symbols=['<3', 'good'], **fallback),
        'spm-unigram-unknown': train_sentencepiece(
            'unigram', 300, add_dummy_prefix=False, character_coverage=0.98
        ),
        'spm-bpe': train_sentencepiece('bpe', 560, user_defined_symbols=['<3', 'good'], **fallback),
        'spm-bpe-suffix': train_sentencepiece(
            'bpe',
            300,
            treat_whitespace_as_suffix=True,
            character_coverage=0.98,
            remove_extra_whitespaces=False,
        ),
    }.items():
        save(name, spm__model=model.SerializeToString())
        save_golden(name, pieces_rows(model, texts))


def make_folders_with_sentencepiece(texts):
    xlmr = train_sentencepiece('unigram', 420)
    save(
        'xlmr',
        **{'sentencepiece__bpe__model': xlmr.SerializeToString()},
        config__json={'model_type': 'xlm-roberta'},
        tokenizer_config__json={'tokenizer_class': 'XLMRobertaTokenizer'},
    )
    fairseq = {0: 3, 1: 0, 2: 2}
    rows = pieces_rows(
        xlmr,
        texts,
        lambda ids: [0, *(fairseq.get(k, k + 1) for k in ids), 2],
        ['<s>', '</s>', '<pad>', '<unk>', '<mask>'],
    )
    fast = fast_rows(AutoTokenizer.from_pretrained(ROOT / 'xlmr').backend_tokenizer, texts)
    save_golden('xlmr', with_offsets(rows, fast, texts))
    deberta = train_sentencepiece(
        'unigram',
        420,
        pad_id=0,
        pad_piece='[PAD]',
        bos_id=1,
        bos_piece='[CLS]',
        eos_id=2,
        eos_piece='[SEP]',
        unk_id=3,
        unk_piece='[UNK]',
    )
    save(
        'deberta',
        spm__model=deberta.SerializeToString(),
        config__json={'model_type': 'deberta-v2'},
        tokenizer_config__json={'tokenizer_class': 'DebertaV2Tokenizer', 'do_lower_case': False},
    )
    save_golden(
        'deberta',
        pieces_rows(deberta, texts, lambda ids: [1, *ids, 2], ['[CLS]', '[SEP]', '[PAD]', '[UNK]', '[MASK]']),
    )
    return xlmr


def make_unigram_json(texts, xlmr):
    specials = ['<s>', '<pad>', '</s>', '<unk>']
    vocab = (
        [(token, 0.0) for token in specials]
        + [(p.piece, p.score) for p in list(xlmr.pieces)[3:]]
        + [('<mask>', 0.0)]
    )
    charsmap = base64.b64encode(xlmr.normalizer_spec.precompiled_charsmap).decode()
    plain = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(tokenizers.Regex(' {2,}'), ' ')]
    )
    metaspace = pre_tokenizers.Metaspace(replacement='\u2581', prepend_scheme='always')
    for name, normalizer, pre_tokenizer in (
        ('xlmr-json', plain, metaspace),
        (
            'xlmr-json-charsmap',
            normalizers.Precompiled(base64.b64decode(charsmap)),
            pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace]),
        ),
    ):
        tokenizer = Tokenizer(models.Unigram(vocab, unk_id=3))
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
        tokenizer.post_processor = processors.TemplateProcessing(
            single='<s> $A </s>', special_tokens=[('<s>', 0), ('</s>', 2)]
        )
        tokenizer.add_special_tokens(
            specials + [tokenizers.AddedToken('<mask>', lstrip=True, normalized=False)]
        )
        save(name, tokenizer__json=json.loads(tokenizer.to_str()))
        save_golden(name, fast_rows(tokenizer, texts))


def main():
    for package, version in PINNED.items():
        if importlib.metadata.version(package) != version:
            sys.exit(
                f'{package} {importlib.metadata.version(package)} is here, the goldens are made with {version}'
            )
    shutil.rmtree(ROOT, ignore_errors=True)
    texts = TEXTS + random_texts()
    save('.', texts__json='[' + ',\n'.join(json.dumps(text) for text in texts) + ']\n')
    make_bert(texts)
    make_roberta(texts)
    make_bare_sentencepiece(texts)
    make_unigram_json(texts, make_folders_with_sentencepiece(texts))
    stage_goldens.make(ROOT, deltas)
    print(sum(path.stat().st_size for path in ROOT.rglob('*') if path.is_file()), 'bytes')


if __name__ == '__main__':
    main()
