"""Calls of a text-classification pipeline, and what transformers 5.23 answers: transformers.json, written by

    python python/tests/transformers_cases.py        (with torch 2.15 and transformers 5.23)
"""

import json
import pathlib

FOLDER = pathlib.Path(__file__).parent
MODEL = str(FOLDER.parents[1] / "tests" / "data" / "models" / "bert")
GOLDEN = FOLDER / "transformers.json"
A, B = "good day", "i hate this bad thing"
TEXTS = [A, B]
LONG = "good " * 100

# name: (arguments of pipeline, inputs, arguments of the call)
CASES = {
    "str": ({}, A, {}),
    "list": ({}, TEXTS, {}),
    "list of one": ({}, [A], {}),
    "dict": ({}, {"text": A}, {}),
    "dicts": ({}, [{"text": A}, {"text": B}], {}),
    "pair": ({}, {"text": A, "text_pair": B}, {}),
    "pair as lists": ({}, [[[A, B]]], {}),
    "blank": ({}, "", {}),
    "blanks": ({}, ["  ", A], {}),
    "all": ({}, A, {"top_k": None}),
    "all of a list": ({}, TEXTS, {"top_k": None}),
    "all of a dict": ({}, {"text": A}, {"top_k": None}),
    "one": ({}, A, {"top_k": 1}),
    "one of a list": ({}, TEXTS, {"top_k": 1}),
    "none": ({}, TEXTS, {"top_k": 0}),
    "all but the last": ({}, TEXTS, {"top_k": -1}),
    "from the start": ({"top_k": 2}, A, {}),
    "from the start, a list": ({"top_k": 2}, TEXTS, {}),
    "from the start, a dict": ({"top_k": 2}, {"text": A}, {}),
    "from the start, otherwise in the call": ({"top_k": 2}, A, {"top_k": 1}),
    "from the start, all": ({"top_k": None}, TEXTS, {}),
    "sigmoid": ({}, TEXTS, {"function_to_apply": "sigmoid"}),
    "capitals": ({}, A, {"function_to_apply": "SIGMOID"}),
    "logits": ({}, A, {"function_to_apply": "none", "top_k": None}),
    "logits from the start": ({"function_to_apply": "none"}, TEXTS, {}),
    "cut": ({}, LONG, {"truncation": True, "max_length": 20}),
    "cut from the start": ({"truncation": True, "max_length": 20}, [LONG, A], {}),
    "batch": ({}, TEXTS, {"batch_size": 2, "padding": True, "truncation": True, "max_length": 48}),
}
# Not lists: inputs that are made anew for each call.
STREAMS = {
    "stream": ({}, lambda: (text for text in TEXTS), {}),
    "stream, one": ({}, lambda: (text for text in TEXTS), {"top_k": 1}),
    "stream of dicts": ({}, lambda: ({"text": text} for text in TEXTS), {}),
}


def answers(make):
    """{name: what the pipelines of `make` answer}."""
    out = {}
    for name, (options, inputs, call) in CASES.items():
        out[name] = make(**options)(inputs, **call)
    for name, (options, inputs, call) in STREAMS.items():
        stream = make(**options)(inputs(), **call)
        assert not isinstance(stream, (list, dict)), name
        out[name] = list(stream)
    return out


if __name__ == "__main__":
    from transformers import BertTokenizer, pipeline

    tokenizer = BertTokenizer.from_pretrained(MODEL)
    golden = answers(lambda **options: pipeline("text-classification", model=MODEL, tokenizer=tokenizer, **options))
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")
