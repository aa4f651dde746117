"""The stages of a tokenizer.json one by one, as tokenizers runs them; make_tokenizer_goldens.py calls it.

Two models make a stage visible: "bytes" has a token for each byte, so that its ids are the normalized text
itself, and "pieces" knows nothing, so that each piece is one [UNK] whose offsets show where the text was cut.
"""

import json

from tokenizers import Tokenizer

BYTES = {
    'type': 'BPE',
    'dropout': None,
    'unk_token': None,
    'continuing_subword_prefix': None,
    'end_of_word_suffix': None,
    'fuse_unk': False,
    'byte_fallback': True,
    'ignore_merges': False,
    'vocab': {f'<0x{byte:02X}>': byte for byte in range(256)},
    'merges': [],
}
PIECES = {
    'type': 'WordPiece',
    'unk_token': '[UNK]',
    'continuing_subword_prefix': '##',
    'max_input_chars_per_word': 100,
    'vocab': {'[UNK]': 0},
}
MODELS = {'bytes': BYTES, 'pieces': PIECES}
TEXTS = [
    '',
    ' ',
    'abc',
    '  Ab  C\t',
    'the-final--countdown-',
    '-a',
    'x1\u0662\u00bd 34',
    "it's we'll a\n\n b",
    'caf\u00e9 e\u0301\u0323 \u1ead',
    '\u0130\u1e9e\u03a3 \ufb01\uff21',
    '\u0915\u094d\u0937\ud55c\u1112\u1161\u11ab',
    '\u4e2d\u6587\U0001f600\u200d\ufe0f',
    'a\u0000\u0007\u00ad\u200b\u2028b',
    'a\u2581b \u2581c',
    'x_y.z, \u00a1(q)!',
    'o\u0302\u0323\u0315 \u0301',
    '\u3000\u00a0',
]
BERT = {
    'type': 'BertNormalizer',
    'clean_text': False,
    'handle_chinese_chars': False,
    'strip_accents': False,
    'lowercase': False,
}
BEHAVIORS = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
METASPACE = {'type': 'Metaspace', 'replacement': '\u2581', 'prepend_scheme': 'always', 'split': True}
SPECIAL = {'cls': ['<0x01>', 1], 'sep': ['<0x02>', 2]}


def normalizer_cases():
    for kind in ('NFC', 'NFD', 'NFKC', 'NFKD', 'Lowercase', 'StripAccents', 'Nmt', 'ByteLevel'):
        yield kind, {'type': kind}
    for flag in ('clean_text', 'handle_chinese_chars', 'strip_accents', 'lowercase'):
        yield f'BERT {flag}', {**BERT, flag: True}
    yield 'BERT accents follow lowercase', {**BERT, 'lowercase': True, 'strip_accents': None}
    for left, right in ((True, True), (True, False), (False, True)):
        yield f'Strip {left} {right}', {'type': 'Strip', 'strip_left': left, 'strip_right': right}
    yield 'Prepend', {'type': 'Prepend', 'prepend': '\u2581x'}
    yield 'Replace a text', {'type': 'Replace', 'pattern': {'String': '-'}, 'content': '<>'}
    yield 'Replace by nothing', {'type': 'Replace', 'pattern': {'String': ' '}, 'content': ''}
    for pattern in (' {2,}', r'\s{2,}|[\n\r\t]', '[^ab]{2,3}', r'\.'):
        yield f'Replace {pattern}', {'type': 'Replace', 'pattern': {'Regex': pattern}, 'content': '_'}
    yield 'Sequence', {
        'type': 'Sequence',
        'normalizers': [
            {'type': 'NFKD'},
            {'type': 'StripAccents'},
            {'type': 'Lowercase'},
            {'type': 'Strip', 'strip_left': True, 'strip_right': True},
        ],
    }


def pre_tokenizer_cases():
    for kind in ('BertPreTokenizer', 'Whitespace', 'WhitespaceSplit'):
        yield kind, {'type': kind}
    for behavior in BEHAVIORS:
        yield f'Punctuation {behavior}', {'type': 'Punctuation', 'behavior': behavior}
        for invert in (False, True):
            yield f'Split {behavior} {invert}', {
                'type': 'Split',
                'pattern': {'String': '-'},
                'behavior': behavior,
                'invert': invert,
            }
    for each in (False, True):
        yield f'Digits {each}', {'type': 'Digits', 'individual_digits': each}
    yield 'CharDelimiterSplit', {'type': 'CharDelimiterSplit', 'delimiter': '-'}
    yield 'Split by GPT-2', {
        'type': 'Split',
        'pattern': {'Regex': GPT2},
        'behavior': 'Isolated',
        'invert': False,
    }
    yield 'Split by spaces', {
        'type': 'Split',
        'pattern': {'Regex': r'\s{2,}'},
        'behavior': 'MergedWithNext',
        'invert': False,
    }
    for scheme in ('always', 'first', 'never'):
        for split in (True, False):
            yield f'Metaspace {scheme} {split}', {**METASPACE, 'prepend_scheme': scheme, 'split': split}
    for prefix in (True, False):
        for regex in (True, False):
            yield f'ByteLevel {prefix} {regex}', {
                'type': 'ByteLevel',
                'add_prefix_space': prefix,
                'trim_offsets': True,
                'use_regex': regex,
            }
    yield 'Sequence', {
        'type': 'Sequence',
        'pretokenizers': [
            {'type': 'WhitespaceSplit'},
            {'type': 'Digits', 'individual_digits': True},
            {'type': 'Punctuation', 'behavior': 'Isolated'},
        ],
    }
    yield 'Metaspace after words', {
        'type': 'Sequence',
        'pretokenizers': [{'type': 'WhitespaceSplit'}, METASPACE],
    }


def post_processor_cases():
    yield 'BERT', {'type': 'BertProcessing', **SPECIAL}
    for trim, prefix in ((True, True), (True, False), (False, True)):
        flags = {'trim_offsets': trim, 'add_prefix_space': prefix}
        yield f'RoBERTa {trim} {prefix}', {'type': 'RobertaProcessing', **SPECIAL, **flags}
    template = {
        'type': 'TemplateProcessing',
        'pair': [{'Sequence': {'id': 'A', 'type_id': 0}}, {'Sequence': {'id': 'B', 'type_id': 0}}],
        'single': [
            {'SpecialToken': {'id': 'X', 'type_id': 0}},
            {'Sequence': {'id': 'A', 'type_id': 0}},
            {'SpecialToken': {'id': 'X', 'type_id': 0}},
            {'SpecialToken': {'id': 'Y', 'type_id': 0}},
        ],
        'special_tokens': {
            'X': {'id': 'X', 'ids': [3, 4], 'tokens': ['<0x03>', '<0x04>']},
            'Y': {'id': 'Y', 'ids': [5], 'tokens': ['<0x05>']},
        },
    }
    yield 'template of several tokens', template
    yield 'Sequence', {
        'type': 'Sequence',
        'processors': [
            {'type': 'ByteLevel', 'trim_offsets': True, 'add_prefix_space': False, 'use_regex': True},
            template,
        ],
    }


def added_token(content, token_id, **flags):
    return {
        'id': token_id,
        'content': content,
        'single_word': False,
        'lstrip': False,
        'rstrip': False,
        'normalized': False,
        'special': False,
        **flags,
    }


def added_token_cases():
    lower = {'type': 'Lowercase'}
    for flag in ('single_word', 'lstrip', 'rstrip', 'special'):
        yield f'added token {flag}', {'added_tokens': [added_token('NEW', 256, **{flag: True})]}
    yield 'added token strips both sides', {
        'added_tokens': [added_token('NEW', 256, lstrip=True, rstrip=True)]
    }
    yield 'added token in the raw text', {'normalizer': lower, 'added_tokens': [added_token('NEW', 256)]}
    yield 'added token in the normalized text', {
        'normalizer': lower,
        'added_tokens': [added_token('NEW', 256, normalized=True)],
    }
    yield 'normalized added token strips', {
        'normalizer': lower,
        'added_tokens': [
            added_token('new', 256, normalized=True, lstrip=True, rstrip=True, single_word=True)
        ],
    }
    yield 'the longest of added tokens', {
        'added_tokens': [
            added_token('NE', 256),
            added_token('NEW', 257),
            added_token('W NE', 258, lstrip=True),
        ]
    }
    yield 'added tokens of both kinds', {
        'normalizer': lower,
        'added_tokens': [added_token('NEW', 256, rstrip=True), added_token('a', 257, normalized=True)],
    }
    yield 'added token before a pre-tokenizer', {
        'pre_tokenizer': METASPACE,
        'added_tokens': [added_token('NEW', 256), added_token('b', 257, lstrip=True)],
    }
    yield 'added token that trims', {
        'added_tokens': [added_token('NEW', 256, lstrip=True)],
        'post_processor': {
            'type': 'RobertaProcessing',
            **SPECIAL,
            'trim_offsets': True,
            'add_prefix_space': True,
        },
    }
    yield 'added token that is in the vocabulary', {'added_tokens': [added_token('<0x41>', 65)]}


ADDED_TEXTS = [
    'NEW',
    'a NEW b',
    'a  NEW  NEW b',
    'aNEWb NEW',
    'new New NEW',
    'NEWNEW NE WNEW',
    '\u00e9NEW \u3000NEW\u00e9',
    ' NEW ',
    'A<0x41>A',
    'xNEW, (NEW) _NEW 1NEW',
    'NEW\u0301 NEW\n\tNEW',
    'b NEW ab',
]


def model_cases():
    vocab = {
        token: k
        for k, token in enumerate(
            ['<unk>', 'a', 'b', 'ab', 'abab', '##b', 'a##', '\u00e9', 'a##b', 'b</w>', 'ab</w>', 'ba']
        )
    }
    base = {**BYTES, 'byte_fallback': False, 'vocab': vocab, 'merges': [['a', 'b'], ['ab', 'ab'], ['b', 'a']]}
    yield 'BPE without an unknown token', base
    yield 'BPE with an unknown token', {**base, 'unk_token': '<unk>'}
    yield 'BPE that fuses unknown tokens', {**base, 'unk_token': '<unk>', 'fuse_unk': True}
    yield 'BPE that ignores merges', {**base, 'ignore_merges': True, 'merges': [['b', 'a']]}
    yield 'BPE with a suffix', {
        **base,
        'end_of_word_suffix': '</w>',
        'unk_token': '<unk>',
        'merges': [['a', 'b'], ['a', 'b</w>']],
    }
    yield 'BPE with a prefix', {
        **base,
        'continuing_subword_prefix': '##',
        'unk_token': '<unk>',
        'merges': [['a', '##b']],
    }
    yield 'BPE whose pair is given twice', {**base, 'merges': [['a', 'b'], ['b', 'a'], ['a', 'b']]}
    pieces = [
        ['<unk>', 0.0],
        ['a', -1.0],
        ['b', -1.5],
        ['ab', -2.0],
        ['aba', -3.5],
        ['bab', -3.0],
        ['\u00e9x', -1.0],
        ['xx', -9.0],
    ]
    unigram = {'type': 'Unigram', 'unk_id': 0, 'vocab': pieces, 'byte_fallback': False}
    yield 'Unigram', unigram
    yield 'Unigram with bytes', {
        **unigram,
        'byte_fallback': True,
        'vocab': pieces + [[f'<0x{k:02X}>', -20.0] for k in range(256)],
    }
    yield 'Unigram whose token is given twice', {**unigram, 'vocab': pieces + [['ab', -0.5]]}
    wordpiece = {**PIECES, 'vocab': {'[UNK]': 0, 'a': 1, '##b': 2, 'ab': 3, '##ab': 4, '\u00e9': 5, '##a': 6}}
    yield 'WordPiece', wordpiece
    yield 'WordPiece of short words', {**wordpiece, 'max_input_chars_per_word': 4}
    yield 'WordPiece without a prefix', {
        **wordpiece,
        'continuing_subword_prefix': '',
        'vocab': {'[UNK]': 0, 'a': 1, 'ab': 2, 'aba': 3},
    }


MODEL_TEXTS = [
    '',
    'a',
    'b',
    'ab',
    'ababab',
    'abababab',
    'baab',
    'xab',
    'abx',
    'axxb',
    'a\u00e9',
    '\u00e9xx',
    'xx',
    'ababa b',
    '\u4e2d\u6587a',
    'aabbaabb',
]


def rows_of(parts, texts, deltas):
    document = {
        'version': '1.0',
        'truncation': None,
        'padding': None,
        'added_tokens': [],
        'normalizer': None,
        'pre_tokenizer': None,
        'post_processor': None,
        'decoder': None,
        **parts,
    }
    document['model'] = MODELS[parts['model']] if isinstance(parts['model'], str) else parts['model']
    return [
        [row.ids, deltas(row.offsets)] for row in Tokenizer.from_str(json.dumps(document)).encode_batch(texts)
    ]


def make(root, deltas):
    cases = [
        ('normalizer ' + name, {'model': 'bytes', 'normalizer': json_part}, 'texts')
        for name, json_part in normalizer_cases()
    ]
    for name, json_part in pre_tokenizer_cases():
        model = 'bytes' if json_part['type'] in ('Metaspace', 'ByteLevel') else 'pieces'
        cases.append(('pre-tokenizer ' + name, {'model': model, 'pre_tokenizer': json_part}, 'texts'))
        if json_part['type'] == 'ByteLevel':
            cases.append(
                (f'pre-tokenizer {name} in pieces', {'model': 'pieces', 'pre_tokenizer': json_part}, 'texts')
            )
    byte_level = {'type': 'ByteLevel', 'add_prefix_space': True, 'trim_offsets': True, 'use_regex': True}
    for name, json_part in post_processor_cases():
        parts = {'model': 'bytes', 'pre_tokenizer': byte_level, 'post_processor': json_part}
        cases.append(('post-processor ' + name, parts, 'texts'))
    cases += [(name, {'model': 'bytes', **parts}, 'added texts') for name, parts in added_token_cases()]
    cases += [(name, {'model': model}, 'model texts') for name, model in model_cases()]
    compact = {'ensure_ascii': True, 'separators': (',', ':')}
    lists = {'texts': TEXTS, 'added texts': ADDED_TEXTS, 'model texts': MODEL_TEXTS}
    lines = [
        json.dumps(
            {'name': name, **parts, 'texts': texts, 'rows': rows_of(parts, lists[texts], deltas)}, **compact
        )
        for name, parts, texts in cases
    ]
    head = json.dumps({'models': MODELS, 'texts': lists}, **compact)
    (root / 'stages.json').write_text(head[:-1] + ',\n"cases":[\n' + ',\n'.join(lines) + '\n]}\n')
