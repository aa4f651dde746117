#!/usr/bin/env python3
"""Holds the arrows between the rooms against the table of ARCHITECTURE.md.

    tools/check_layers.py [ROOT]      every #include "room/…" of src/ and apps/ follows an arrow of the table
    tools/check_layers.py --self-test

A room may include itself and every room that its arrows reach. Reported are: an include against the arrows, a
cycle in the table, a room without a row, a row without a room where the room is not planned, an include of a
source file, a header that only an application may see, and a file that includes itself through others.
"""
import pathlib
import re
import sys
import tempfile

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
ROW = re.compile(r'^\|\s*`(?P<room>[a-z]+)`\s*\|(?P<text>[^|]*)\|(?P<arrows>[^|]*)\|\s*$')
HEADING = '| room |'


def read_table(text):
    """{room: rooms that it may include directly}, from the table whose heading begins with `| room |`."""
    table, inside = {}, False
    for line in text.splitlines():
        inside = line.startswith(HEADING) or (inside and line.startswith('|'))
        row = ROW.match(line) if inside else None
        if row:
            table[row['room']] = re.findall(r'`([a-z]+)`', row['arrows'])
    return table


def reach(table):
    """{room: every room below it}. A cycle or an unknown room is an error."""
    below, errors = {}, []

    def visit(room, path):
        if room in path:
            errors.append('cycle in the table: ' + ' -> '.join(path[path.index(room):] + [room]))
            return set()
        if room not in below:
            found = set()
            for arrow in table.get(room, []):
                if arrow not in table:
                    errors.append(f'the row of {room} names the unknown room {arrow}')
                    continue
                found |= {arrow} | visit(arrow, path + [room])
            below[room] = found
        return below[room]

    for room in table:
        visit(room, [])
    return below, errors


def sources(root):
    """(room, path) of each C++ file; the applications are one room, `apps`."""
    for top in ('src', 'apps'):
        for path in sorted((root / top).rglob('*')):
            if path.suffix in ('.h', '.cc', '.hpp', '.cu') and path.is_file():
                yield ('apps' if top == 'apps' else path.relative_to(root / top).parts[0]), path


def include_cycles(graph):
    """Cycles among headers, each as the list of its files."""
    state, stack, cycles = {}, [], []

    def visit(node):
        state[node] = 'open'
        stack.append(node)
        for target in graph.get(node, []):
            if state.get(target) == 'open':
                cycles.append(stack[stack.index(target):] + [target])
            elif target not in state:
                visit(target)
        stack.pop()
        state[node] = 'done'

    for node in sorted(graph):
        if node not in state:
            visit(node)
    return cycles


def check(root):
    table = read_table((root / 'ARCHITECTURE.md').read_text(encoding='utf-8'))
    if not table:
        return ['ARCHITECTURE.md has no table of rooms']
    below, errors = reach(table)
    graph = {}
    for room, path in sources(root):
        name = path.relative_to(root)
        if room not in table:
            errors.append(f'{name}: the room {room} has no row in ARCHITECTURE.md')
            continue
        for include in INCLUDE.findall(path.read_text(encoding='utf-8')):
            target = pathlib.PurePosixPath(include)
            if target.suffix in ('.cc', '.c'):
                errors.append(f'{name}: includes the source file {include}')
            if (root / 'src' / include).is_file():
                graph.setdefault(str(name), []).append('src/' + include)
                to = target.parts[0]
            elif (root / 'apps' / include).is_file() or (path.parent / include).is_file():
                # Of the applications, or of the same folder.
                to = room if (path.parent / include).is_file() else 'apps'
            elif (root / 'include' / include).is_file():
                to = room
            else:
                errors.append(f'{name}: there is no "{include}"')
                continue
            if to != room and to not in below[room]:
                errors.append(f'{name}: {room} may not include {to} ("{include}")')
    errors += ['include cycle: ' + ' -> '.join(cycle) for cycle in include_cycles(graph)]
    return errors


def self_test():
    """Each kind of defect is found in a tree that has just that defect."""
    table = ('| room | holds | may include |\n|---|---|---|\n| `base` | x | |\n| `text` | x | `base` |\n'
             '| `rows` | x | `base` |\n| `apps` | x | `text`, `rows` |\n')
    good = {'ARCHITECTURE.md': table, 'src/base/a.h': '', 'src/rows/r.h': '',
            'src/text/t.h': '#include "base/a.h"\n#include <vector>\n',
            'src/text/t.cc': '#include "text/t.h"\n',
            'apps/valence/main.cc': '#include "base/a.h"\n#include "text/t.h"\n'}
    cases = [
        ({}, None),
        ({'src/base/b.h': '#include "text/t.h"'}, 'base may not include text'),
        ({'src/text/u.h': '  #  include "rows/r.h"'}, 'text may not include rows'),
        ({'src/new/n.h': ''}, 'new has no row'),
        ({'src/text/u.h': '#include "base/gone.h"'}, 'there is no "base/gone.h"'),
        ({'src/text/u.cc': '#include "text/t.cc"'}, 'includes the source file'),
        ({'src/text/u.h': '#include "text/v.h"', 'src/text/v.h': '#include "text/u.h"'}, 'include cycle'),
        ({'ARCHITECTURE.md': table.replace('| `base` | x | |', '| `base` | x | `text` |')}, 'cycle in the table'),
        ({'ARCHITECTURE.md': table.replace('x | `base`', 'x | `bass`')}, 'unknown room bass'),
        ({'ARCHITECTURE.md': '# nothing'}, 'no table'),
    ]
    for change, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**good, **change}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding='utf-8')
            errors = check(root)
            assert (not errors) if expected is None else any(expected in e for e in errors), (change, errors)
    print(f'check_layers: {len(cases)} trees judged rightly')


def main():
    if sys.argv[1:] == ['--self-test']:
        return self_test()
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    errors = check(root)
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main())
