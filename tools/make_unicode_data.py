#!/usr/bin/env python3
"""Writes src/text/unicode_data.inc: what the reference tokenizers know about each code point.

    pip install tokenizers==0.23.3 regex==2025.11.3
    tools/make_unicode_data.py > src/text/unicode_data.inc

The reference does not follow one version of Unicode: its normal forms are those of Unicode 9, its classes of
punctuation and control characters are older, its white space and case are those of its compiler, and its
patterns are those of Oniguruma. A table made from one version of the standard would differ on real text, so
each property is asked of the library itself, code point by code point (in some minutes). Only the grapheme
cluster classes come from the `regex` module, in the version that follows the Unicode of the library: 17.
"""
import itertools
import sys

import regex
import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

assert (tokenizers.__version__, regex.__version__) == ('0.23.3', '2025.11.3'), regex.__version__
CODES = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]

# Bits of a record; unicode.h names them alike.
FLAGS = ['letter', 'number', 'space', 'white', 'punctuation', 'bert_removed', 'nonspacing', 'combining', 'word',
         'numeric', 'has_nfd', 'has_nfkd', 'has_lower', 'pictographic', 'incb_consonant', 'incb_linker',
         'incb_extend']
GCB = ['Other', 'CR', 'LF', 'Control', 'Extend', 'ZWJ', 'Regional_Indicator', 'Prepend', 'SpacingMark',
       'L', 'V', 'T', 'LV', 'LVT']


def matching(pattern):
    """Whether a normalizer's pattern (Oniguruma) matches the code point alone."""
    replace = normalizers.Replace(Regex(pattern), '')
    return {c for c in CODES if replace.normalize_str(chr(c)) == ''}


def emptied(normalizer):
    return {c for c in CODES if normalizer.normalize_str(chr(c)) == ''}


def isolated(splitter):
    return {c for c in CODES if len(splitter.pre_tokenize_str('a' + chr(c) + 'a')) == 3}


def changed(normalizer):
    found = {}
    for c in CODES:
        text = normalizer.normalize_str(chr(c))
        if text != chr(c) and not 0xAC00 <= c < 0xD7A4:  # Hangul is arithmetic
            found[c] = text
    return found


def combining_classes(nfd):
    """The class of a mark decides whether it passes another one: place it among marks of known class."""
    import unicodedata
    overlay, iota = 0x334, 0x345  # of the lowest class, 1, and the highest, 240

    def swaps(first, second):  # whether the class of `first` is the greater one
        text = chr(first) + chr(second)
        return nfd(text) == text[::-1]

    def is_mark(c):
        return nfd(chr(c)) == chr(c) and (swaps(c, overlay) or swaps(iota, c))

    known = {}
    for c in range(0x300, 0x20F0):
        if is_mark(c):  # a mark that is newer than the reference is a starter to it, and tells nothing
            known.setdefault(unicodedata.combining(chr(c)), c)
    known.pop(0, None)
    marks = sorted(known.items())

    classes = {}
    for c in CODES:
        if not is_mark(c):
            continue
        classes[c] = next((value for value, mark in marks
                           if mark == c or not swaps(c, mark) and not swaps(mark, c)), None)
        # Equal to a starter in both tests as well, so look at the classes between which it lies.
        if classes[c] is None:
            below = max(value for value, mark in marks if swaps(c, mark))
            classes[c] = unicodedata.combining(chr(c))
            assert classes[c] > below, hex(c)
    return classes


def compositions(nfd, nfc, nfd_of):
    """(first, second) -> composed, for all primary composites."""
    pairs = {}
    for c, text in nfd_of.items():
        if len(text) < 2 or nfc(text) != chr(c):
            continue
        first = nfc(text[:-1])
        if len(first) == 1 and nfc(first + text[-1]) == chr(c):
            pairs[ord(first), ord(text[-1])] = c
    return pairs


def array(kind, name, values, width=108):
    out, line = [f'constexpr {kind} {name}[] = {{'], '   '
    for value in values:
        item = f' {value},'
        if len(line) + len(item) > width:
            out.append(line)
            line = '   '
        line += item
    return '\n'.join(out + [line, '};'])


def mapping(name, found, pool):
    rows = []
    for c, text in sorted(found.items()):
        codes = tuple(map(ord, text))
        if codes not in pool:
            pool[codes] = sum(map(len, pool))
        rows.append(f'{{0x{c:X}, {pool[codes]}, {len(codes)}}}')
    return array('Mapping', name, rows)


def main():
    nfd, nfc = normalizers.NFD().normalize_str, normalizers.NFC().normalize_str
    nfd_of, nfkd_of = changed(normalizers.NFD()), changed(normalizers.NFKD())
    lower_of = changed(normalizers.Lowercase())
    classes = combining_classes(nfd)
    bert = lambda **on: normalizers.BertNormalizer(**{**dict(clean_text=False, handle_chinese_chars=False,
                                                            strip_accents=False, lowercase=False), **on})
    word = pre_tokenizers.Whitespace()
    one = lambda pattern: {c for c in CODES if regex.fullmatch(pattern, chr(c))}
    sets = {
        'letter': matching(r'\p{L}'), 'number': matching(r'\p{N}'), 'space': matching(r'\s'),
        'white': {c for c in CODES if len(pre_tokenizers.WhitespaceSplit().pre_tokenize_str('a' + chr(c) + 'a')) == 2},
        'punctuation': isolated(pre_tokenizers.Punctuation()), 'bert_removed': emptied(bert(clean_text=True)),
        'nonspacing': emptied(bert(strip_accents=True)), 'combining': emptied(normalizers.StripAccents()),
        'word': {c for c in CODES if len(word.pre_tokenize_str('a' + chr(c))) == 1 and
                 word.pre_tokenize_str('a' + chr(c))[0][1][1] == 2},
        'numeric': isolated(pre_tokenizers.Digits(individual_digits=True)),
        'has_nfd': set(nfd_of) | set(range(0xAC00, 0xD7A4)), 'has_nfkd': set(nfkd_of) | set(range(0xAC00, 0xD7A4)),
        'has_lower': set(lower_of), 'pictographic': one(r'\p{Extended_Pictographic}'),
        'incb_consonant': one(r'\p{InCB=Consonant}'), 'incb_linker': one(r'\p{InCB=Linker}'),
        'incb_extend': one(r'\p{InCB=Extend}')}
    breaks = {}
    for value, name in enumerate(GCB):
        for c in one(rf'\p{{GCB={name}}}'):
            breaks[c] = value
    bits = [(1 << k, sets[name]) for k, name in enumerate(FLAGS)]
    record = lambda c: (sum(bit for bit, members in bits if c in members), breaks.get(c, 0), classes.get(c, 0))
    ranges = []
    for c in range(0x110000):
        value = (0, 3, 0) if 0xD800 <= c < 0xE000 else record(c)
        if not ranges or ranges[-1][1] != value:
            ranges.append((c, value))
    records = sorted({value for _, value in ranges})
    assert len(records) <= 256, len(records)
    index = {value: k for k, value in enumerate(records)}

    print(f'// Made by tools/make_unicode_data.py from tokenizers {tokenizers.__version__}; do not edit.')
    print(f'// Bits of a record, from the lowest: {", ".join(FLAGS)}.')
    print(f'// Grapheme cluster classes: {", ".join(f"{k} {name}" for k, name in enumerate(GCB))}.')
    print(array('Record', 'kRecords', (f'{{0x{flags:X}, {gcb}, {ccc}}}' for flags, gcb, ccc in records)))
    print('\n// {first code point, record}, each up to the next one.')
    print(array('Range', 'kRanges', (f'{{0x{c:X}, {index[value]}}}' for c, value in ranges)))
    pool = {}
    print('\n// {code point, first of its code points in kPool, how many}; Hangul syllables are left out.')
    print(mapping('kNfd', nfd_of, pool))
    print(mapping('kNfkd', {c: text for c, text in nfkd_of.items() if nfd_of.get(c) != text}, pool))
    print(mapping('kLower', lower_of, pool))
    print(array('char32_t', 'kPool', (f'0x{c:X}' for c in itertools.chain.from_iterable(pool))))
    print('\n// {first, second, composed}')
    print(array('Composition', 'kCompositions', (f'{{0x{a:X}, 0x{b:X}, 0x{c:X}}}' for (a, b), c in
                                                 sorted(compositions(nfd, nfc, nfd_of).items()))))


if __name__ == '__main__':
    main()
