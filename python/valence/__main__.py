"""The whole program: `valence`, or `python -m valence`."""

import sys


def main():
    from valence._core import run_program

    return run_program(["valence", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
