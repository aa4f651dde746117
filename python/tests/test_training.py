"""train(), the estimator of scikit-learn, the component of spaCy."""

import csv
import pickle

import numpy
import pytest

import valence

GOOD = ["a good day", "i love this thing", "good good thing", "love it", "this was good", "i love day"]
BAD = ["a bad day", "i hate this thing", "bad bad thing", "hate it", "this was bad", "i hate day"]
TEXTS, LABELS = [*GOOD, *BAD], ["up"] * 6 + ["down"] * 6


def test_train_from_a_file_and_from_lists(tmp_path, tiny):
    rows = tmp_path / "rows.csv"
    with open(rows, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *zip(TEXTS, LABELS, strict=True)])
    options = {"model": tiny("bert"), "epochs": 4, "method": "full", "learning_rate": 1e-3, "quiet": True,
               "validation_share": 0.2, "seed": 3}
    metrics = valence.train(rows, tmp_path / "a", text_column="text", label_column="label", **options)
    assert metrics["steps"] > 0 and metrics["eval_loss"] > 0
    assert valence.train(TEXTS, tmp_path / "b", labels=LABELS, **options) == metrics
    assert valence.Analyzer(tmp_path / "a").labels == ["down", "up"]


def test_train_says_what_is_wrong(tmp_path):
    with pytest.raises(valence.TrainingFailed, match="no-such") as caught:
        valence.train(tmp_path / "no-such.csv", tmp_path / "out", text_column="text", label_column="label", quiet=True)
    assert caught.value.status == 66
    with pytest.raises(valence.TrainingFailed, match="--epochs"):
        valence.train(TEXTS, tmp_path / "out", labels=LABELS, epochs="many", quiet=True)
    with pytest.raises(ValueError, match="12 texts and 1 labels"):
        valence.train(TEXTS, tmp_path / "out", labels=["up"])


@pytest.fixture(scope="module")
def fitted(tiny):
    sklearn = pytest.importorskip("valence.sklearn")
    model = sklearn.SentimentClassifier(tiny("bert"), method="full", epochs=100, learning_rate=5e-3)
    return model.fit(TEXTS, LABELS)


def test_estimator(fitted):
    assert list(fitted.classes_) == ["down", "up"]
    assert fitted.score(TEXTS, LABELS) > 0.9
    probabilities = fitted.predict_proba(numpy.array(TEXTS))
    assert probabilities.shape == (12, 2) and probabilities.sum(axis=1) == pytest.approx(1)
    copy = pickle.loads(pickle.dumps(fitted))
    assert (copy.predict_proba(TEXTS) == probabilities).all()


def test_estimator_keeps_the_folder_on_demand(fitted, tmp_path):
    fitted.save(tmp_path / "kept")
    assert valence.Analyzer(tmp_path / "kept").labels == ["down", "up"]


def test_estimator_with_numbers_for_labels(tiny):
    sklearn = pytest.importorskip("valence.sklearn")
    model = sklearn.SentimentClassifier(tiny("bert"), epochs=1).fit(TEXTS, [1] * 6 + [0] * 6)
    assert set(model.predict(TEXTS)) <= {0, 1} and model.predict(TEXTS).dtype.kind == "i"


def test_labels_that_the_model_knows_keep_its_head():
    sklearn = pytest.importorskip("valence.sklearn")
    model = sklearn.SentimentClassifier(epochs=1)
    model.fit(["I love this", "I hate this"] * 4, ["positive", "negative"] * 4)
    assert list(model.predict(["it is wonderful", "it is awful"])) == ["positive", "negative"]
    assert model.predict_proba(["x"]).shape == (1, 2)


def test_estimator_of_scikit_learn(fitted):
    sklearn = pytest.importorskip("sklearn")
    from sklearn.utils.estimator_checks import check_estimator

    ours = pytest.importorskip("valence.sklearn")
    check_estimator(ours.SentimentClassifier())
    clone = sklearn.base.clone(fitted)
    assert clone.get_params() == fitted.get_params() and not hasattr(clone, "classes_")
    with pytest.raises(sklearn.exceptions.NotFittedError):
        clone.predict(TEXTS)
    for X, y in (("text", ["up"]), ([1, 2], ["up", "down"]), (["a", " "], ["up", "down"]), (["a", "b"], ["up", "up"]),
                 (["a"], ["up", "down"]), (["a", "b"], [0.5, 1.5])):
        with pytest.raises(ValueError):
            clone.fit(X, y)


def test_spacy():
    spacy = pytest.importorskip("spacy")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("valence")
    doc = nlp("I love the screen. I hate the battery.")
    assert [sentence._.sentiment for sentence in doc.sents] == ["positive", "negative"]
    analyzer = valence.Analyzer()
    assert doc._.polarity == analyzer.analyze(doc.text).polarity
    assert [doc._.sentiment for doc in nlp.pipe(["I love it", "", "awful"])] == ["positive", None, "negative"]
    assert doc[0:1]._.polarity is None
    [copy] = spacy.tokens.DocBin(docs=[doc], store_user_data=True).get_docs(nlp.vocab)
    assert copy._.sentiment == doc._.sentiment
