"""Analyzer, frames and Arrow."""

import dataclasses
import pickle

import numpy
import pytest

import valence

TEXTS = ["I love this 😀", "Größe passt nicht, terrible", "", "It is a box"]


def test_results_say_everything(analyzer):
    result = analyzer.analyze("I love this")
    assert (result.label, result.error, result.windows, result.truncated) == ("positive", None, 1, False)
    assert result.score == max(result.scores.values()) == result.scores["positive"]
    assert list(result.scores) == analyzer.labels == ["negative", "neutral", "positive"]
    assert result.polarity == pytest.approx(result.scores["positive"] - result.scores["negative"], abs=1e-6)
    assert result.tokens == 5
    assert pickle.loads(pickle.dumps(result)) == result
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.label = "other"


def test_a_text_that_cannot_be_used_stands_alone(analyzer):
    results = analyzer.analyze(TEXTS)
    assert [result.error for result in results] == [None, None, "empty_text", None]
    assert results[2].label is None and results[2].message
    with pytest.raises(ValueError, match="empty"):
        analyzer.analyze("  ")
    assert analyzer.analyze([]) == []
    for wrong in ([1], [None], [b"x"], [("a", "b", "c")], ["ok", "lone \udc00"]):
        with pytest.raises((TypeError, ValueError)):
            analyzer.analyze(wrong)
    with pytest.raises(TypeError):
        analyzer.logits("one text")


def test_logits(analyzer):
    logits = analyzer.logits(TEXTS)
    assert logits.shape == (4, 3) and logits.dtype == numpy.float32
    assert numpy.isnan(logits[2]).all() and numpy.isfinite(logits[[0, 1, 3]]).all()
    assert (analyzer.logits(TEXTS[:1])[0] == logits[0]).all()
    assert analyzer.logits([]).shape == (0, 3)


def test_iterate_streams(analyzer):
    taken = []

    def texts():
        for number in range(5000):
            taken.append(number)
            yield f"good number {number}"

    stream = analyzer.iterate(texts())
    assert next(stream).label and len(taken) < 5000


def test_options(tiny):
    base = valence.Analyzer(tiny("distilbert"), threads=1)
    adapted = valence.Analyzer(tiny("distilbert"), adapter=tiny("lora-distilbert"))
    assert (base.logits(["good"]) != adapted.logits(["good"])).any()
    assert (base.logits(["good"]) != valence.Analyzer(tiny("distilbert"), dtype="nf4").logits(["good"])).any()
    tasks = valence.Analyzer(tiny("distilbert"), tasks=["sentiment", tiny("lora-distilbert")])
    assert set(tasks.tasks) == {"sentiment", "lora-distilbert"}
    result = tasks.analyze("good")
    assert result.tasks["sentiment"]["label"] == result.label
    assert result.tasks["lora-distilbert"]["scores"]
    assert base.provenance()["dtype"] == "fp32" and len(base.provenance()["sha256"]) == 64
    assert valence.Analyzer(tiny("distilbert"), long="windows").analyze("." * 400).windows > 1
    assert valence.Analyzer(tiny("distilbert"), long="truncate").analyze("." * 400).truncated
    assert valence.Analyzer(tiny("distilbert"), long="error").analyze(["." * 400])[0].error == "too_long"
    for wrong in ({"dtype": "int7"}, {"social": "maybe"}, {"long": "x"}, {"threads": -1}, {"tasks": "nonsense"}):
        with pytest.raises(ValueError):
            valence.Analyzer(**wrong)


def test_each_text_takes_the_route_of_its_language(analyzer):
    german, english = analyzer.analyze(["Das Essen war leider kalt", "The food was cold"])
    assert (german.language, german.route, german.label) == ("de", "multilingual", "negative")
    assert (english.language, english.route, english.warnings) == ("en", "native", ())
    assert analyzer.routes and not valence.Analyzer("default").routes
    assert valence.Analyzer("default").analyze("Das Essen war kalt").language is None


def test_pickles(analyzer):
    assert pickle.loads(pickle.dumps(analyzer)).analyze("good") == analyzer.analyze("good")


def check_frame(out, results):
    assert list(out.columns) == ["id", "review", "label", "score", "polarity", "tokens", "windows", "truncated",
                                 "language", "route"]
    assert out["label"].to_list() == [result.label for result in results]
    assert out["tokens"].to_list() == [result.tokens for result in results]


def test_pandas(analyzer):
    pandas = pytest.importorskip("pandas")
    texts = ["I love this", None, float("nan"), "", "bad"]
    frame = pandas.DataFrame({"id": range(5), "review": texts}, index=[9, 7, 7, "x", 1])
    out = valence.analyze_frame(frame, "review", analyzer=analyzer)
    check_frame(out, analyzer.analyze(["I love this", "", "", "", "bad"]))
    assert list(out.index) == list(frame.index) and list(frame.columns) == ["id", "review"]
    assert str(out["tokens"].dtype) == "int64" and out["label"].isna().tolist() == [False, True, True, True, False]
    again = valence.analyze_frame(out, "review", analyzer=analyzer)
    assert list(again.columns) == [*out.columns, *(f"valence_{name}" for name in out.columns[2:])]
    categories = frame.assign(review=frame["review"].astype("category"))
    assert list(valence.analyze_frame(categories, "review", analyzer=analyzer)["label"].dropna()) == list(
        out["label"].dropna())
    assert len(valence.analyze_frame(frame[:0], "review")) == 0


def test_polars(analyzer):
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"id": [1, 2, 3], "review": ["I love this", None, "bad"]})
    out = valence.analyze_frame(frame, "review", analyzer=analyzer)
    check_frame(out, analyzer.analyze(["I love this", "", "bad"]))
    assert isinstance(out, polars.DataFrame) and out["score"].null_count() == 1


def test_frames_refuse(analyzer):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"review": ["x"], "number": [1]})
    with pytest.raises(ValueError, match="'text'"):
        valence.analyze_frame(frame, "text")
    with pytest.raises(TypeError, match="number"):
        valence.analyze_frame(frame, "number")
    with pytest.raises(TypeError):
        valence.analyze_frame(["x"], "review")
    with pytest.raises(TypeError):
        valence.analyze_frame(frame, "review", "default", analyzer=analyzer)


def test_arrow(analyzer):
    pyarrow = pytest.importorskip("pyarrow")
    texts = ["I love this", None, "It is a box, not more than twelve bytes", "bad 😀"]
    expected = [result.label for result in analyzer.analyze([text or "" for text in texts])]
    kinds = [pyarrow.string(), pyarrow.large_string(), pyarrow.string_view()]
    for kind in kinds:
        array = pyarrow.array(texts, kind)
        out = pyarrow.record_batch(analyzer.analyze_arrow(array))
        assert out["label"].to_pylist() == expected
        assert out["error"].to_pylist() == [None, "empty_text", None, None]
        assert pyarrow.record_batch(analyzer.analyze_arrow(array[2:]))["label"].to_pylist() == expected[2:]
    out.validate(full=True)
    row = analyzer.analyze("I love this")
    assert out["scores"][0].as_py() == pytest.approx(list(row.scores.values()))
    assert out["tokens"][0].as_py() == row.tokens and out["truncated"][0].as_py() is False
    assert out["polarity"][1].as_py() is None
    assert (out["language"][0].as_py(), out["route"][0].as_py(), out["route"][1].as_py()) == ("en", "native", "native")
    table = pyarrow.table({"id": range(4), "text": texts})
    chunks = pyarrow.concat_tables([table, table.slice(1, 2)])
    assert pyarrow.record_batch(analyzer.analyze_arrow(chunks, "text"))["label"].to_pylist() == [
        *expected, *expected[1:3]]
    batch = table.slice(1).combine_chunks().to_batches()[0]
    assert pyarrow.record_batch(analyzer.analyze_arrow(batch, "text"))["label"].to_pylist() == expected[1:]
    for wrong, column in ((table, None), (table, "no"), (table, "id"), (pyarrow.array([1]), None),
                          (pyarrow.array(["a"]).dictionary_encode(), None), ([1], None)):
        with pytest.raises(TypeError):
            analyzer.analyze_arrow(wrong, column)


def test_arrow_copies_nothing(analyzer):
    pyarrow = pytest.importorskip("pyarrow")
    array = pyarrow.array(["word " * 200] * 2000)
    before = pyarrow.total_allocated_bytes()
    answers = analyzer.analyze_arrow(array[:50])
    assert pyarrow.total_allocated_bytes() == before
    del array
    assert pyarrow.record_batch(answers).num_rows == 50


def test_arrow_from_polars(analyzer):
    polars = pytest.importorskip("polars")
    pyarrow = pytest.importorskip("pyarrow")
    frame = polars.DataFrame({"text": ["I love this", None, "a text of more than twelve bytes", "bad"]})
    out = pyarrow.record_batch(analyzer.analyze_arrow(frame["text"]))
    assert out["label"].to_pylist() == valence.analyze_frame(frame, "text", analyzer=analyzer)["label"].to_list()
    assert pyarrow.record_batch(analyzer.analyze_arrow(frame, "text")).equals(out)
    assert polars.DataFrame(analyzer.analyze_arrow(frame, "text"))["label"].to_list() == out["label"].to_pylist()
