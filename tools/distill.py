"""What teachers think of texts, as labels: shares of the classes, which `valence train` takes in place of a label."""
import json
import os
import subprocess

import numpy as np

from sentiment_sets import LABELS, write


def scores(valence, model, texts, folder, *options):
    """[texts, 3]: what a model thinks of texts; `folder` holds them while it reads."""
    path = write(os.path.join(folder, 'texts.csv'), [(text, '') for text in texts])
    done = subprocess.run([valence, 'analyze', '--file', path, '--text-column', 'text', '--format', 'jsonl', '--quiet', '--long',
                           'truncate', '--model', model, *options], check=True, capture_output=True, text=True)
    rows = [json.loads(line)['scores'] for line in done.stdout.splitlines()]
    os.remove(path)
    return np.array([[row[label] for label in LABELS] for row in rows])


def evened(thoughts):
    """What teachers think of texts, [texts, 3], with the odds of negative to positive changed until both have the same sum
    (distribution alignment, Berthelot et al. 2020)."""
    thoughts = np.array(thoughts)
    for _ in range(20):
        negative, _, positive = thoughts.sum(0)
        thoughts *= [(positive / negative) ** 0.5, 1, (negative / positive) ** 0.5]
        thoughts /= thoughts.sum(1, keepdims=True)
    return thoughts


def shares(thought, label, classes):
    """The classes' shares of a row: what teachers thought, [3], halfway to the row's label where it has one."""
    mine = np.array([value if name in classes else 0 for name, value in zip(LABELS, thought)])
    mine /= mine.sum()
    if label:
        mine = (mine + [name == label for name in LABELS]) / 2
    return {name: round(float(value), 4) for name, value in zip(LABELS, mine) if name in classes}


def write_shares(path, rows):
    """(text, shares) rows as JSON lines; returns the path."""
    with open(path, 'w', encoding='utf-8') as file:
        for text, of_classes in rows:
            file.write(json.dumps({'text': text, 'label': of_classes}, ensure_ascii=False) + '\n')
    return path
