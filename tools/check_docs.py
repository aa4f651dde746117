#!/usr/bin/env python3
"""Holds docs/cli.md and man/valence.1 against the program's own help, and the links of the documents against the tree.

    tools/check_docs.py PROGRAM [ROOT]
    tools/check_docs.py --self-test

Reported are: a command or an option of the program that a document does not name, an option that a document names and
the program does not have, and a relative link to a file that does not exist.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

LINK = re.compile(r'\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)')
OPTION = re.compile(r'(?<![\w-])--([a-z][a-z0-9-]*)')


def help_of(program, *arguments):
    return subprocess.run([program, *arguments, '--help'], capture_output=True, text=True, check=True).stdout


def program_options(program):
    """{command: its options}."""
    listed = help_of(program).split('Commands:\n', 1)[1].split('\n\n', 1)[0]
    commands = re.findall(r'^  ([a-z]+)\b', listed, re.M)
    # The last line of the help shows by one option how the environment spells it.
    return {command: set(re.findall(r'^ +(?:-\w,)?--([a-z][a-z0-9-]*)', help_of(program, command), re.M)) - {'help'}
            for command in commands}


def documented_options(text):
    """{command: options that its section of docs/cli.md names}."""
    sections = re.split(r'^## ', text, flags=re.M)[1:]
    named = [re.match(r'valence ([a-z]+)\n(.*)', section, re.S) for section in sections]
    return {match[1]: set(OPTION.findall(match[2])) for match in named if match}


def check_commands(options, reference, manual):
    documented = documented_options(reference)
    manual = manual.replace('\\-', '-')
    errors = []
    for command in sorted(options.keys() | documented.keys()):
        if command not in documented or command not in options:
            errors.append(f'{command}: ' + ('not in docs/cli.md' if command in options else 'no such command'))
            continue
        errors += [f'{command} --{name}: not in docs/cli.md' for name in sorted(options[command] - documented[command])]
        errors += [f'docs/cli.md: {command} has no --{name}' for name in sorted(documented[command] - options[command])]
        if not re.search(rf'^\.BR? "?{command}\b', manual, re.M):
            errors.append(f'{command}: not in man/valence.1')
    every, in_manual = set().union(*options.values()), set(OPTION.findall(manual)) - {'help', 'version'}
    errors += [f'--{name}: not in man/valence.1' for name in sorted(every - in_manual)]
    errors += [f'man/valence.1: no command has --{name}' for name in sorted(in_manual - every)]
    return errors


def check_links(root):
    errors = []
    for document in [*root.glob('*.md'), *root.glob('docs/*.md'), *root.glob('bench/*.md')]:
        for target in LINK.findall(document.read_text(encoding='utf-8')):
            if '://' not in target and not (document.parent / target).exists():
                errors.append(f'{document.relative_to(root)}: there is no {target}')
    return errors


def self_test():
    options = {'analyze': {'model', 'quiet'}}
    reference = '# x\n## valence analyze\n| `--model M` | `--quiet` |\n'
    manual = '.TP\n.BR analyze " x"\n.BI \\-\\-model " m"\n.B \\-\\-quiet\n'
    cases = [
        (options, reference, manual, None),
        ({'analyze': {'model', 'quiet', 'new'}}, reference, manual, 'analyze --new: not in docs/cli.md'),
        ({'analyze': {'model'}}, reference, manual, 'analyze has no --quiet'),
        ({**options, 'serve': set()}, reference, manual, 'serve: not in docs/cli.md'),
        (options, reference + '## valence train\n', manual, 'train: no such command'),
        (options, reference, manual.replace('.B \\-\\-quiet\n', ''), '--quiet: not in man'),
        (options, reference, manual + '.B \\-\\-old\n', 'no command has --old'),
        (options, reference, manual.replace('analyze', 'analyse'), 'analyze: not in man'),
    ]
    for *arguments, expected in cases:
        errors = check_commands(*arguments)
        assert (not errors) if expected is None else any(expected in e for e in errors), (arguments, errors)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / 'a.md').write_text('[x](a.md) [y](https://x/y) [z](gone.md#here)\n')
        assert check_links(root) == ['a.md: there is no gone.md']
    print(f'check_docs: {len(cases) + 1} cases judged rightly')


def main():
    if sys.argv[1:] == ['--self-test']:
        return self_test()
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else pathlib.Path(__file__).parent.parent)
    errors = check_commands(program_options(sys.argv[1]), (root / 'docs/cli.md').read_text(encoding='utf-8'),
                            (root / 'man/valence.1').read_text(encoding='utf-8'))
    errors += check_links(root)
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == '__main__':
    sys.exit(main())
