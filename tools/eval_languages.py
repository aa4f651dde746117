#!/usr/bin/env python3
"""Accuracy of `valence detect` by length of the text, beside other detectors where they are installed.

    pip install fasttext-predict pycld2 lingua-language-detector    # each is optional
    tools/eval_languages.py PROGRAM ROWS.jsonl [ROWS.jsonl...] [--half 0|1]

ROWS has objects with "lang" (ISO 639, a script or region behind it is ignored) and "text". Only rows in languages that
all detectors know are counted, and Hindi only in its own script. An abstention is no right answer; cost is errors + abstentions / 2, over all rows.
--half keeps the rows whose text has an even or odd first byte in its MD5 sum: settings were chosen on half 0.
"""
import argparse
import collections
import hashlib
import importlib
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LENGTHS = [(10, '<10'), (20, '10-19'), (50, '20-49'), (10**9, '50+')]
# Three letters to two, and codes that are spelled in several ways or belong together.
CODES = dict(pair.split(':') for pair in '''
    afr:af amh:am ara:ar arb:ar arz:ar aze:az azj:az bel:be ben:bn bos:bs bul:bg cat:ca ces:cs cym:cy dan:da deu:de
    ell:el eng:en epo:eo est:et eus:eu fas:fa fin:fi fra:fr gle:ga guj:gu heb:he hin:hi hrv:hr hun:hu hye:hy ind:id
    isl:is ita:it iw:he jpn:ja kan:kn kat:ka kaz:kk khm:km kor:ko lao:lo lav:lv lit:lt lvs:lv mal:ml mar:mr mkd:mk
    mon:mn msa:ms mya:my nb:no nld:nl nn:no nno:no nob:no nor:no npi:ne ory:or pan:pa pes:fa pol:pl por:pt ron:ro
    rus:ru sin:si slk:sk slv:sl som:so spa:es sqi:sq als:sq srp:sr swa:sw swe:sv swh:sw tam:ta tat:tt tel:te tgl:tl
    tha:th tur:tr uig:ug ukr:uk un:und urd:ur uzb:uz uzn:uz vie:vi wuu:zh yid:yi yor:yo yue:zh zho:zh zsm:ms
    arabic:ar english:en french:fr german:de hindi:hi italian:it portuguese:pt spanish:es'''.split())
KNOWN_TO_LID = set('af ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gu he hi hr hu hy id is it ja ka '
                   'kk ko la lt lv mk mn mr ms nl no pa pl pt ro ru sk sl so sq sr sv sw ta te th tl tr uk ur vi yo '
                   'zh'.split())


def code_of(name):
    code = re.split('[-_]', name.lower())[0]
    return CODES.get(code, code)


def read_rows(paths, half):
    for path in paths:
        with open(path, encoding='utf-8') as file:
            for line in file:
                row = json.loads(line)
                text = re.sub(r'[\r\n]+', ' ', row['text'])
                if code_of(row['lang']) == 'hi' and len(re.findall('[\u0900-\u097f]', text)) <= len(text) / 2:
                    continue
                if half is None or hashlib.md5(text.encode()).digest()[0] & 1 == half:
                    yield code_of(row['lang']), text


def valence(program, texts):
    lines = subprocess.run([program, 'detect', '-'], input='\n'.join(texts) + '\n', encoding='utf-8',
                           stdout=subprocess.PIPE, check=True).stdout.splitlines()
    return [json.loads(line)['language'] for line in lines]


def lid(texts):
    model = importlib.import_module('fasttext').load_model(os.path.join(ROOT, 'models/language/lid.176.ftz'))
    return [model.predict(text)[0][0].removeprefix('__label__') for text in texts]


def cld2(texts):
    module = importlib.import_module('pycld2')
    printable = (''.join(c for c in text if c.isprintable()) for text in texts)
    return [module.detect(text, bestEffort=True)[2][0][1] for text in printable]


def lingua(texts):
    module = importlib.import_module('lingua')
    detector = module.LanguageDetectorBuilder.from_all_languages().build()
    found = (detector.detect_language_of(text) for text in texts)
    return [language.iso_code_639_1.name if language else 'und' for language in found]


def print_row(name, rows, codes):
    right = collections.defaultdict(list)
    errors = abstained = 0
    for (language, text), code in zip(rows, codes):
        code = code_of(code)
        right[next(name for limit, name in LENGTHS if len(text) < limit)].append(code == language)
        abstained += code == 'und'
        errors += code not in ('und', language)
    cells = [f'{sum(right[n]) / len(right[n]):.3f}' if right[n] else '-' for _, n in LENGTHS]
    count = len(rows)
    print('| ' + ' | '.join([name, *cells, f'{1 - (errors + abstained) / count:.3f}', f'{abstained / count:.3f}',
                             f'{(errors + abstained / 2) / count:.4f}']) + ' |', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('program')
    parser.add_argument('rows', nargs='+')
    parser.add_argument('--half', type=int, choices=(0, 1))
    options = parser.parse_args()
    rows = [row for row in read_rows(options.rows, options.half) if row[0] in KNOWN_TO_LID]
    texts = [text for _, text in rows]
    print(f'{len(rows)} texts in {len({language for language, _ in rows})} languages\n')
    print('| | ' + ' | '.join(name for _, name in LENGTHS) + ' | all | und | cost |')
    print('|---' * 8 + '|')
    print_row('valence detect', rows, valence(options.program, texts))
    for name, module, detect in [('lid.176.ftz', 'fasttext', lid), ('CLD2', 'pycld2', cld2),
                                 ('lingua', 'lingua', lingua)]:
        try:
            importlib.import_module(module)
        except ImportError:
            print(f'{name}: not installed', file=sys.stderr)
            continue
        print_row(name, rows, detect(texts))


if __name__ == '__main__':
    main()
