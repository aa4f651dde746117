"""Every form of call against what transformers answers (transformers_cases.py)."""

import json

import pytest

import valence
from transformers_cases import CASES, GOLDEN, MODEL, STREAMS, answers


@pytest.fixture(scope="module")
def golden():
    return json.loads(GOLDEN.read_text())


@pytest.fixture(scope="module")
def ours():
    return answers(lambda **options: valence.pipeline("text-classification", model=MODEL, **options))


def check(got, expected):
    assert type(got) is type(expected)
    if isinstance(expected, list):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            check(one, other)
    else:
        assert list(got) == list(expected) == ["label", "score"]
        assert got["label"] == expected["label"] and got["score"] == pytest.approx(expected["score"], abs=1e-4)


@pytest.mark.parametrize("name", [*CASES, *STREAMS])
def test_answers(name, golden, ours):
    check(ours[name], golden[name])
