#!/usr/bin/env python3
"""Writes what fastText itself answers, for the tests of src/language, and two small models for its fuzz target.

    pip install fasttext-predict==0.9.2.4
    tools/make_language_goldens.py      # tests/data/language/lid.176.jsonl, fuzz/corpus/fasttext/

The lines are chosen for what they ask of the reader: words and n-grams of many scripts, white space of every kind,
the end of a line and labels as words, texts without a word.
"""
import json
import os
import struct

import fasttext

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LINES = [
    '', ' ', 'a', 'ß', '字', '123', '12:30 3.5 % 1,000', '😀', '👩‍👩‍👧‍👦 ❤️ 👍🏽', '@user', 'http', '!!! ... ???',
    '__label__fr hello', '__label__none hello', 'bonjour </s> hello', '</s>', 'tab\there\x0band\x0cthere',
    'a\u00a0b\u2028c\u0085d', '\ufeffhello', 'e\u0301te\u0301', 'ça va\u0000bien', 'ALL CAPS TEXT', 'İstanbul',
    'naïve café', 'x' * 300, ' lots   of    blanks ', 'ｆｕｌｌ　ｗｉｄｔｈ',
    'All human beings are born free and equal in dignity and rights.',
    'Alle Menschen sind frei und gleich an Würde und Rechten geboren.',
    'Tous les êtres humains naissent libres et égaux en dignité et en droits.',
    'Todos los seres humanos nacen libres e iguales en dignidad y derechos',
    'Все люди рождаются свободными и равными в своем достоинстве и правах.',
    'Всі люди народжуються вільними і рівними у своїй гідності та правах.',
    'すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。',
    '人人生而自由，在尊严和权利上一律平等。', '모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.',
    'يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق.', 'כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.',
    'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है', 'มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน',
    'Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền.',
]


def goldens():
    model = fasttext.load_model(os.path.join(ROOT, 'models/language/lid.176.ftz'))
    folder = os.path.join(ROOT, 'tests/data/language')
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, 'lid.176.jsonl'), 'w', encoding='utf-8', newline='\n') as file:
        for line in LINES:
            labels, values = model.predict(line, k=5, threshold=0.0)
            best = [[label.removeprefix('__label__'), round(value, 7)] for label, value in zip(labels, values)]
            file.write(json.dumps({'text': line, 'best': best}, ensure_ascii=False) + '\n')


def head(loss, words, labels, pruned, dim=2):
    out = struct.pack('<2i', 793712314, 12)
    out += struct.pack('<12id', dim, 5, 5, 1, 5, 2, loss, 3, 10, 2, 3, 100, 1e-4)
    out += struct.pack('<3i2q', len(words) + len(labels), len(words), len(labels), 99, len(pruned) if pruned else -1)
    for n, word in enumerate(words + labels):
        out += word.encode() + b'\0' + struct.pack('<qb', 50 - n, n >= len(words))
    for pair in pruned or []:
        out += struct.pack('<2i', *pair)
    return out


def dense(rows, columns):
    values = [((n * 7) % 11 - 5) / 4 for n in range(rows * columns)]
    return struct.pack('<2q', rows, columns) + struct.pack(f'<{len(values)}f', *values)


def quantizer(columns, part):
    parts = -(-columns // part)
    values = [(n % 13 - 6) / 3 for n in range(columns * 256)]
    last = columns - (parts - 1) * part
    return struct.pack('<4i', columns, parts, part, last) + struct.pack(f'<{len(values)}f', *values)


def quantized(rows, columns):
    codes = bytes((n * 37) % 256 for n in range(rows * columns))
    return (struct.pack('<b2qi', 1, rows, columns, len(codes)) + codes + quantizer(columns, 1)
            + bytes(range(rows)) + quantizer(1, 1))


def seeds():
    folder = os.path.join(ROOT, 'fuzz/corpus/fasttext')
    os.makedirs(folder, exist_ok=True)
    words, labels = ['</s>', 'good', 'bad'], ['__label__a', '__label__b', '__label__c']
    models = {
        'dense': head(1, words, labels, None) + b'\0' + dense(len(words) + 10, 2) + b'\0' + dense(3, 2),
        'quantized': head(3, words, labels, [(3, 0), (7, 1)]) + b'\1' + quantized(len(words) + 2, 2) + b'\0'
        + dense(3, 2),
    }
    for name, content in models.items():
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(content)


if __name__ == '__main__':
    goldens()
    seeds()
