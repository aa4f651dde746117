#!/usr/bin/env python3
"""House rules that a machine can hold: the length of files and functions, and clean text.

    tools/check_text.py [ROOT]        every text file that git tracks (or, without git, that lies there)
    tools/check_text.py --self-test

- a source file has at most 400 lines, a header 200 as a rule and 400 at most;
- a function body has at most 80 lines (about 40 is the aim; tables of kernels and commands need more);
- no tabs for indentation, no white space at a line's end, no carriage return, a newline at the end, valid UTF-8.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

CODE = {'.h', '.hpp', '.cc', '.c', '.cu', '.py'}
TEXT = CODE | {'.md', '.cmake', '.txt', '.json', '.toml', '.yml', '.1'}
# Data whose bytes are the point, and texts that others wrote.
EXEMPT = re.compile(r'^(tests/.*data/|fuzz/corpus/|models/.*/(?!README)|examples/.*\.csv$|LICENSE$|build/)')
FILE_LINES, FUNCTION_LINES = 400, 80
# clang-format puts the closing brace of a function below the first character of its declaration, and does not indent
# namespaces. A declaration may take several lines; the last one opens the body.
OPENS = re.compile(r'^.*\)[^;={}]*\{$')
BEGINS_OTHER = re.compile(r' *(if|for|while|switch|else|do|try|catch|namespace|extern|\}|//|#)')
ENDS_STATEMENT = re.compile(r'([;{}:]|^ *//.*|^#.*|^)$')


def tracked(root):
    try:
        names = subprocess.run(['git', '-C', str(root), 'ls-files', '-z'], capture_output=True, check=True).stdout
        return [pathlib.Path(n) for n in names.decode().split('\0') if n]
    except (OSError, subprocess.CalledProcessError):
        return [p.relative_to(root) for p in root.rglob('*') if p.is_file()]


def check_clean(name, data):
    try:
        text = data.decode('utf-8')
    except UnicodeDecodeError:
        yield f'{name}: not valid UTF-8'
        return
    if text and not text.endswith('\n'):
        yield f'{name}: no newline at the end'
    if text.endswith('\n\n'):
        yield f'{name}: empty lines at the end'
    for number, line in enumerate(text.split('\n'), 1):
        if line.endswith((' ', '\t', '\r')):
            yield f'{name}:{number}: white space at the end of the line'
        if line.startswith('\t'):
            yield f'{name}:{number}: indented with a tab'


def check_functions(name, lines):
    for number, line in enumerate(lines):
        if not OPENS.match(line):
            continue
        first = number
        while first > 0 and not ENDS_STATEMENT.search(lines[first - 1]):
            first -= 1
        if BEGINS_OTHER.match(lines[first]):
            continue
        closing = ' ' * (len(lines[first]) - len(lines[first].lstrip())) + '}'
        length = next((k for k, later in enumerate(lines[number + 1:]) if later.startswith(closing)), 0)
        if length > FUNCTION_LINES:
            yield f'{name}:{first + 1}: a function of {length} lines, at most {FUNCTION_LINES}'


def check(root):
    errors = []
    for name in tracked(root):
        path = root / name
        if EXEMPT.match(name.as_posix()) or not path.is_file():
            continue
        if name.suffix not in TEXT and path.read_bytes()[:2] != b'#!':
            continue
        data = path.read_bytes()
        errors += check_clean(name, data)
        lines = data.decode('utf-8', 'replace').split('\n')
        if name.suffix in CODE and len(lines) - 1 > FILE_LINES:
            errors.append(f'{name}: {len(lines) - 1} lines, at most {FILE_LINES}')
        if name.suffix in CODE - {'.py'}:
            errors += check_functions(name, lines)
    return errors


def self_test():
    body = '  x();\n'
    cases = [
        ('src/a.cc', 'void f() {\n' + body * 80 + '}\n', None),
        ('src/a.cc', 'void f() {\n' + body * 81 + '}\n', 'a function of'),
        ('src/a.h', 'class A {\n public:\n  int f() const {\n' + body * 90 + '  }\n};\n', 'a function of'),
        ('src/a.cc', 'int x;\nA::A(int a,\n     int b)\n    : a_(a) {\n' + body * 81 + '}\n', 'a.cc:2: a function of 81'),
        ('src/a.cc', 'A::A()\n    : a_(a) {\n  x();\n}\n' + body * 90 + '    }\n', None),
        ('src/a.cc', 'namespace a {\nnamespace {\n' + 'int x;\n' * 100 + '}\n}\n', None),
        ('src/a.cc', '//\n' * 401, '401 lines'),
        ('src/a.cc', 'int a; \n', 'white space'),
        ('docs/a.md', 'a\r\n', 'white space'),
        ('src/a.cc', '\tint a;\n', 'tab'),
        ('src/a.cc', 'int a;', 'no newline'),
        ('src/a.cc', 'int a;\n\n', 'empty lines'),
        ('src/a.cc', b'\xff\n', 'UTF-8'),
        ('tests/data/dirty.csv', 'a \r\n\n', None),
    ]
    for name, text, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            errors = check(pathlib.Path(folder))
            assert (not errors) if expected is None else any(expected in e for e in errors), (name, errors)
    print(f'check_text: {len(cases)} files judged rightly')


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
