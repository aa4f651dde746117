#!/usr/bin/env python3
"""Measure the default model, or another of three classes, on English sentences and tweets.

    python tools/eval_default.py --data DATA [--model MODEL] [--splits dev test] [--valence PATH]

DATA is as make_default.py wants it. On en-sst2 the negative and positive scores alone are compared; on the tweets all three
classes are. Prints accuracy and macro-F1, then the answers to a few everyday sentences (--everyday to print only these).
"""
import argparse
import json
import os
import subprocess
import tempfile

from eval_multilingual import macro_f1
from sentiment_sets import LABELS, read

SETS = [('en-sst2', ['negative', 'positive']), ('en-tweeteval-sentiment', LABELS)]

EVERYDAY = [
    ('I love this', 'positive'),
    ('I love this!', 'positive'),
    ('This is great, thank you so much.', 'positive'),
    ('What a lovely surprise', 'positive'),
    ('The staff were friendly and helpful.', 'positive'),
    ('Not bad at all', 'positive'),
    ('Works perfectly, would buy again.', 'positive'),
    ("I'm so happy for you :)", 'positive'),
    ('worst day ever', 'negative'),
    ('I hate waiting in line.', 'negative'),
    ('This is terrible.', 'negative'),
    ("I don't like it.", 'negative'),
    ('The food was cold and the waiter was rude.', 'negative'),
    ('Not good', 'negative'),
    ('It broke after two days, what a waste of money.', 'negative'),
    ("I'm so tired and sad today", 'negative'),
    ('It arrived on Tuesday.', 'neutral'),
    ('The meeting is at 3 pm.', 'neutral'),
    ('The box is blue.', 'neutral'),
    ('She works at a bank in London.', 'neutral'),
    ('There are two chairs in the room.', 'neutral'),
    ('What time does the store open?', 'neutral'),
    ('The report has ten pages.', 'neutral'),
    ('The train leaves from platform 4.', 'neutral'),
]


def scores_of(options, texts):
    """{class: score} of each text."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'texts.txt')
        with open(path, 'w', encoding='utf-8', newline='\n') as file:
            file.writelines(text + '\n' for text in texts)
        done = subprocess.run([options.valence, 'analyze', '--file', path, '--format', 'jsonl', '--quiet', '--model',
                               options.model], capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if [row['line'] for row in rows] != list(range(1, len(texts) + 1)):
        raise SystemExit(f'{len(texts)} rows, {len(rows)} answers: {done.stderr[-500:]}')
    return [row['scores'] for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True)
    parser.add_argument('--model', default='default')
    parser.add_argument('--splits', nargs='+', default=['dev', 'test'], choices=['dev', 'test'])
    parser.add_argument('--everyday', action='store_true')
    parser.add_argument('--valence', default='build/release/valence')
    options = parser.parse_args()
    for name, classes in [] if options.everyday else SETS:
        for split in options.splits:
            rows = read(options.data, name, split)
            scores = scores_of(options, [text for text, _ in rows])
            pairs = [(label, max(classes, key=row.get)) for (_, label), row in zip(rows, scores)]
            accuracy = sum(truth == said for truth, said in pairs) / len(pairs)
            print(f'{name:24} {split:5} {len(rows):6} rows: accuracy {accuracy:.4f}, macro-F1 {macro_f1(pairs, classes):.4f}',
                  flush=True)
    right = 0
    for (text, label), scores in zip(EVERYDAY, scores_of(options, [text for text, _ in EVERYDAY])):
        said = max(LABELS, key=scores.get)
        right += said == label
        numbers = ' '.join(f'{scores[name]:.3f}' for name in LABELS)
        print(f'{"ok " if said == label else "BAD"} {numbers} {said:8} {text}')
    print(f'everyday sentences: {right} of {len(EVERYDAY)}')


if __name__ == '__main__':
    main()
