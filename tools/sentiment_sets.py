"""Labelled sets of many languages as rows of three classes: one folder a set with train.tsv.gz, dev.tsv.gz and test.tsv.gz
(header "label<TAB>text", no quoting), and a README.md with a table of the sets and their licences."""
import csv
import gzip
import os
import re

LABELS = ['negative', 'neutral', 'positive']
CLASSES = {'very_negative': 'negative', 'very_positive': 'positive', 'negative': 'negative', 'positive': 'positive',
           'neutral': 'neutral', 'objective': 'neutral'}
POSITIVE = set('joy love optimism trust admiration amusement approval caring desire excitement gratitude pride '
               'relief'.split())
NEGATIVE = set('anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness remorse sadness '
               'hate'.split())
NOT_SENTIMENT = ('irony', 'offensive', 'stockemotions')
CLOSED = re.compile(r'not stated|NC|research|academic')
# Licences that the authors state elsewhere: the paper of KazSAnDRA (LREC-COLING 2024), the card of EmoEvent's author.
STATED = {'kk-kazsandra': 'CC BY 4.0', 'en-emoevent': 'Apache-2.0', 'es-emoevent': 'Apache-2.0'}
NAMED = ('en-sst2', 'en-sst5')  # what English is measured by


def sets_of(data, licences):
    """{name: licence} of the sets that may be used."""
    sets = {}
    with open(os.path.join(data, 'README.md'), encoding='utf-8') as file:
        for line in file:
            cells = [cell.strip() for cell in line.split('|')]
            if len(cells) < 11 or not cells[1].startswith('`') or any(word in cells[1] for word in NOT_SENTIMENT):
                continue
            name = cells[1].strip('`')
            licence = STATED.get(name, cells[9])
            if not os.path.exists(os.path.join(data, name, 'train.tsv.gz')):
                continue
            if licences == 'all' or name in NAMED or not CLOSED.search(licence):
                sets[name] = licence
    return sets


def is_emotion(name):
    """Whether the labels of the set are emotions, which say less of polarity."""
    return name.endswith('-emotion') or name.partition('-')[2] in ('emot', 'emoevent', 'goemotions', 'armanemo')


def polarity(label):
    """Of a set's label, or of its emotions joined by commas; None when it has none."""
    if label in CLASSES:
        return CLASSES[label]
    names = set(label.split(','))
    return 'positive' if names <= POSITIVE else 'negative' if names <= NEGATIVE else None


def rows_of(data, name, split):
    """(text, label of the set) of the rows with a text."""
    with gzip.open(os.path.join(data, name, split + '.tsv.gz'), 'rt', encoding='utf-8', newline='\n') as file:
        next(file)
        pairs = (line.rstrip('\n').partition('\t') for line in file)
        return [(text, label) for label, _, text in pairs if text.strip()]


def read(data, name, split):
    """(text, class) of the rows that have one."""
    return [(text, polarity(label)) for text, label in rows_of(data, name, split) if polarity(label)]


def unlabelled(data, name, split):
    """The texts of the rows that have no class."""
    return [text for text, label in rows_of(data, name, split) if not polarity(label)]


def write(path, rows):
    """(text, class) rows as CSV; returns the path."""
    with open(path, 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['text', 'label'])
        writer.writerows(rows)
    return path
