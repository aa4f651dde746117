"""Writes what transformers answers for pairs of texts.

Made with torch 2.15 and transformers 5.23. Run from the repository root, after make_model_goldens.py:

    python tools/make_pair_goldens.py

tests/data/models/NAME/pairs.json holds pairs, the number of their tokens before any cut, and the logits after
truncation "longest_first"; tests/data/tokenizers/pairs.json what stands between the two texts of a pair, and the
token type of the second.
"""

import json
import pathlib

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, BertTokenizer, DistilBertTokenizer

MODELS = pathlib.Path("tests/data/models")
TOKENIZERS = pathlib.Path("tests/data/tokenizers")
LONG, LONGER = "good day . " * 9, "i hate this bad thing . " * 14
PAIRS = [
    ["i love this", "good day"],
    ["bad", "it is not good . not good ."],
    ["good", ""],
    ["good day", LONGER],
    [LONGER, "good day"],
    [LONG, LONGER],
    [LONGER, LONG],
    [LONGER, LONGER],
]
FIXTURES = "bert-cased bert-uncased bert-uncased-json roberta roberta-json roberta-prefix xlmr".split()


def answers(folder, kind):
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = kind.from_pretrained(folder)
    rows = []
    for first, second in PAIRS:
        whole = tokenizer(first, second, add_special_tokens=True)
        inputs = tokenizer(first, second, truncation="longest_first", max_length=48, return_tensors="pt")
        with torch.no_grad():
            logits = model(**inputs).logits[0].tolist()
        rows.append({"text": first, "pair": second, "tokens": len(whole["input_ids"]), "logits": logits})
    return rows


def template(name):
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZERS / name)._tokenizer
    tokenizer.no_padding()
    joined = tokenizer.encode("a", "b")
    ids, types = joined.ids, joined.type_ids
    a, b = tokenizer.encode("a").ids, tokenizer.encode("b").ids
    between = ids[len(a) - 1 : len(ids) - len(b) + 1]
    assert ids == a[:-1] + between + b[1:], name
    second = types[len(a) - 1 + len(between)]
    assert types == [0] * (len(a) - 1 + len(between)) + [second] * (len(b) - 1), name
    return {"between": between, "typed": second == 1}


def main():
    torch.manual_seed(0)
    for name, kind in (("bert", BertTokenizer), ("distilbert", DistilBertTokenizer)):
        text = json.dumps(answers(MODELS / name, kind), indent=1)
        (MODELS / name / "pairs.json").write_text(text + "\n")
    text = json.dumps({name: template(name) for name in FIXTURES}, indent=1)
    (TOKENIZERS / "pairs.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
