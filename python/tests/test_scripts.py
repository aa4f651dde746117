"""Small scripts in the ways that public ones use transformers' pipeline, with another import."""

import pathlib
import shutil
import subprocess
import sys

import pytest

SCRIPTS = sorted((pathlib.Path(__file__).parent / "scripts").glob("*.py"))


def test_there_are_ten():
    assert len(SCRIPTS) == 10


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script(script, reviews, tmp_path):
    if "pandas" in script.read_text():
        pytest.importorskip("pandas")
    shutil.copy(reviews, tmp_path)
    run = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
