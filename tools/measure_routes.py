#!/usr/bin/env python3
"""Measure the routes of the models that the program carries, for models/routes.json.

    python tools/measure_routes.py --data DATA [-o models/routes.json] [--valence PATH]

DATA holds a README.md with a table of sets and one folder a set with dev.tsv.gz (header "label<TAB>text", no quoting).
Of each language's sets with our classes, emotions aside, at most --most dev rows each are read; a language that
`valence detect` does not know counts under the one that it is taken for (dialects of Arabic), or not at all.
"""
import argparse
import csv
import os
import random
import subprocess
import tempfile

from sentiment_sets import is_emotion, read, sets_of

TAKEN_FOR = {'aeb': 'ar', 'arq': 'ar', 'ary': 'ar'}
UNKNOWN = set('ace ban bbc bjn bug mad nij pcm tw ts'.split())


def rows_of(options):
    rows = []
    for name in sorted(sets_of(options.data, 'all')):
        language = name.split('-')[0]
        if is_emotion(name) or language in UNKNOWN or name.startswith('si-latn'):
            continue
        some = read(options.data, name, 'dev')
        random.Random(1).shuffle(some)
        rows += [(TAKEN_FOR.get(language, language), label, text) for text, label in some[:options.most]]
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True)
    parser.add_argument('-o', '--output', default='models/routes.json')
    parser.add_argument('--most', type=int, default=400)
    parser.add_argument('--valence', default='build/release/valence')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'rows.csv')
        with open(path, 'w', encoding='utf-8', newline='') as file:
            writer = csv.writer(file)
            writer.writerow(['language', 'label', 'text'])
            writer.writerows(rows_of(options))
        subprocess.run([options.valence, 'routes', '--measure', path, '-o', options.output], check=True)


if __name__ == '__main__':
    main()
