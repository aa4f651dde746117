"""The shape of transformers 5.23's text-classification pipeline."""

import itertools
import json
import math
import pickle

import pytest

import valence

TEXTS = ["I love this, it is wonderful!", "I hate this, it is awful.", "It arrived on Tuesday."]


def is_entry(value):
    return isinstance(value, dict) and list(value) == ["label", "score"] and isinstance(value["score"], float)


def test_forms_of_input(classify):
    single = classify(TEXTS[0])
    assert isinstance(single, list) and len(single) == 1 and is_entry(single[0])
    assert single[0]["label"] == "positive"
    many = classify(TEXTS)
    assert all(map(is_entry, many)) and len(many) == 3 and many[0] == single[0]
    assert classify(tuple(TEXTS)) == many
    assert classify({"text": TEXTS[0]}) == single[0]
    assert classify([{"text": text} for text in TEXTS]) == many
    assert classify([]) == []
    assert classify(TEXTS, batch_size=2, num_workers=0) == many


def test_streams(classify):
    stream = classify(text for text in TEXTS)
    assert not isinstance(stream, (list, tuple)) and next(stream) == classify(TEXTS)[0]
    assert list(classify((text for text in TEXTS), top_k=1)) == [[row] for row in classify(TEXTS)]

    class Dataset:
        def __len__(self):
            return len(TEXTS)

        def __getitem__(self, index):
            return TEXTS[index]

    assert list(classify(Dataset())) == classify(TEXTS)
    assert list(classify(iter([]))) == []


def test_a_stream_without_end_is_answered_as_it_goes(classify):
    endless = classify(itertools.cycle(TEXTS))
    assert [next(endless)["label"] for _ in range(3)] == [row["label"] for row in classify(TEXTS)]


def test_top_k(classify):
    ranked = classify(TEXTS[0], top_k=None)
    assert all(map(is_entry, ranked)) and len(ranked) == 3
    assert [row["score"] for row in ranked] == sorted((row["score"] for row in ranked), reverse=True)
    assert sum(row["score"] for row in ranked) == pytest.approx(1, abs=1e-6)
    assert classify(TEXTS[0], top_k=1) == ranked[:1]
    assert classify(TEXTS, top_k=2)[0] == ranked[:2]
    assert classify({"text": TEXTS[0]}, top_k=None) == ranked
    assert len(classify(TEXTS[0], top_k=99)) == 3
    from_start = valence.pipeline("text-classification", top_k=None)
    assert from_start(TEXTS[0]) == [ranked]
    assert from_start(TEXTS)[0] == ranked
    assert valence.pipeline(top_k=1)(TEXTS) == [[row] for row in classify(TEXTS)]


def test_return_all_scores_as_it_was(classify):
    with pytest.warns(FutureWarning):
        old = valence.pipeline("sentiment-analysis", return_all_scores=True)
    [rows] = old(TEXTS[0])
    assert [row["label"] for row in rows] == classify.labels
    assert len(old(TEXTS)) == 3


def test_functions(classify):
    raw = classify(TEXTS[0], top_k=None, function_to_apply="none")
    for function, of in (("sigmoid", lambda x: 1 / (1 + math.exp(-x))), ("softmax", None)):
        rows = classify(TEXTS[0], top_k=None, function_to_apply=function)
        total = sum(math.exp(row["score"]) for row in raw)
        for before, after in zip(raw, rows, strict=True):
            expected = of(before["score"]) if of else math.exp(before["score"]) / total
            assert after["score"] == pytest.approx(expected, abs=1e-6)
    assert classify(TEXTS[0], function_to_apply="SOFTMAX") == classify(TEXTS[0])


def test_pairs_as_transformers(tiny):
    with open(f"{tiny('bert')}/pairs.json", encoding="utf-8") as file:
        golden = json.load(file)
    classify = valence.pipeline("text-classification", model=tiny("bert"), function_to_apply="none", top_k=None)
    for row in golden:
        answer = {entry["label"]: entry["score"] for entry in classify({"text": row["text"], "text_pair": row["pair"]})}
        for label, logit in zip(classify.labels, row["logits"], strict=True):
            assert answer[label] == pytest.approx(logit, abs=1e-4)
    pair = golden[0]
    assert classify([[[pair["text"], pair["pair"]]]]) == [classify({"text": pair["text"], "text_pair": pair["pair"]})]


def test_blank_texts_are_answered(classify):
    assert is_entry(classify("")[0]) and classify("") == classify("  ")
    assert len(classify([*TEXTS, ""])) == 4


def test_what_transformers_accepts(classify):
    options = {"tokenizer": "anything", "framework": "pt", "torch_dtype": "auto", "trust_remote_code": True,
               "use_fast": True, "device": -1, "device_map": "auto", "model_kwargs": {}, "token": None}
    same = valence.pipeline("sentiment-analysis", None, **options)
    assert same(TEXTS, padding=True, truncation=True, max_length=512) == classify(TEXTS)
    assert valence.pipeline("sentiment-analysis", model_kwargs={"load_in_4bit": True})(TEXTS[0])[0]["label"] == "positive"


def test_max_length_cuts(classify):
    text = "good " * 20 + "terrible " * 20
    assert classify(text, truncation=True, max_length=12) == classify("good " * 10)


def test_long_texts_are_read_to_their_end(classify):
    text = "The box is brown. " * 400 + "I hate it, it is terrible, awful, the worst. " * 40
    assert classify(text) != classify(text, truncation=True)


@pytest.mark.parametrize("wrong", [5, None, [1], [None], b"bytes", {"words": "x"}, [["a", "b"]], [TEXTS[0], 3.5]])
def test_wrong_input(classify, wrong):
    with pytest.raises((ValueError, TypeError), match="expected|pair"):
        classify(wrong)


def test_wrong_arguments(classify):
    for options in ({"no_such": 1}, {"top_k": "3"}, {"model": 3}):
        with pytest.raises(TypeError):
            valence.pipeline("sentiment-analysis", **options)
    for options in ({"task": "summarization"}, {"device": 7}, {"device": "tpu"}, {"dtype": "int3"},
                    {"function_to_apply": "tanh"}, {"truncation": "sideways"}):
        with pytest.raises(ValueError):
            valence.pipeline(**options)
    with pytest.raises(TypeError, match="no_such"):
        classify("x", no_such=1)
    with pytest.raises(ValueError):
        classify("a lone surrogate \ud800")


def test_models_that_are_not_there(tmp_path):
    with pytest.raises(valence.ModelUnavailable, match="never-downloaded") as caught:
        valence.pipeline(model="org/never-downloaded", offline=True)
    assert isinstance(caught.value, OSError)
    with pytest.raises(OSError):
        valence.pipeline(model=str(tmp_path))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError):
        valence.pipeline(model=tmp_path)


def test_pickles(classify):
    copy = pickle.loads(pickle.dumps(valence.pipeline("sentiment-analysis", top_k=2)))
    assert copy(TEXTS) == classify(TEXTS, top_k=2)
    assert repr(copy).startswith("<valence pipeline")
