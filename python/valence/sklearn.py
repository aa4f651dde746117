"""`SentimentClassifier`: fine-tuning as an estimator of scikit-learn."""

import io
import pathlib
import tarfile
import tempfile

import numpy
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from valence.analyzer import Analyzer
from valence.training import train

# What a fit on few rows passes over, at least: a new head learns little from less.
_LEAST_ROWS_SEEN = 2000
_FEWEST_PASSES, _MOST_PASSES = 3, 25


def _texts_of(X):
    if isinstance(X, (str, bytes)):
        raise ValueError("expected a list of texts, got one text")
    texts = X.tolist() if hasattr(X, "tolist") else list(X)
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise ValueError(f"text {index}: expected str, got {type(text).__name__}")
        if not text.strip():
            raise ValueError(f"text {index} is empty")
    return texts


class SentimentClassifier(ClassifierMixin, BaseEstimator):
    """Fine-tunes a model on texts and their labels.

    `model` is what the training starts from: None for the model that the package carries, a folder, or a name of the
    hub. Labels that the model has already keep what it knows of them, so that few rows do; other labels get a new head.
    `method` is "lora", "qlora" or "full"; `epochs` None takes as many as the number of rows asks for. `options` are
    other settings of `valence train`, in a dict. A fitted estimator pickles with its model.

    >>> model = SentimentClassifier().fit(texts, labels)
    >>> model.predict(["where is my parcel?"])
    array(['shipping'], dtype='<U8')
    >>> sklearn.model_selection.cross_val_score(SentimentClassifier(), texts, labels, cv=3)
    """

    def __init__(self, model=None, *, method="lora", epochs=None, learning_rate=None, batch_size=8, max_length=128,
                 class_weights="none", seed=42, threads=None, options=None, verbose=False):
        self.model = model
        self.method = method
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_length = max_length
        self.class_weights = class_weights
        self.seed = seed
        self.threads = threads
        self.options = options
        self.verbose = verbose

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        return tags

    def fit(self, X, y):
        """`X` texts, `y` a label for each."""
        texts, labels = _texts_of(X), numpy.asarray(y)
        check_classification_targets(labels)
        if len(texts) != len(labels):
            raise ValueError(f"{len(texts)} texts and {len(labels)} labels")
        self.classes_ = numpy.unique(labels)
        if len(self.classes_) < 2:
            raise ValueError(f"the labels have {len(self.classes_)} class, expected 2 or more")
        names = [str(label) for label in self.classes_]
        if len(set(names)) < len(names):
            raise ValueError(f"two labels are written in the same way: {names}")
        known = set(names) <= set(Analyzer(self.model, threads=1).labels)
        self._place = tempfile.TemporaryDirectory(prefix="valence-")
        folder = pathlib.Path(self._place.name) / "model"
        self.metrics_ = train(texts, folder, labels=[str(label) for label in labels], quiet=not self.verbose,
                              **self._settings(len(texts), known))
        self._load()
        return self

    def _settings(self, rows, known):
        passes = -(-_LEAST_ROWS_SEEN // rows)
        settings = {
            "model": self.model, "method": self.method, "learning_rate": self.learning_rate,
            "epochs": self.epochs or (_FEWEST_PASSES if known else min(max(passes, _FEWEST_PASSES), _MOST_PASSES)),
            "batch_size": self.batch_size, "max_length": self.max_length, "class_weights": self.class_weights,
            "seed": self.seed, "threads": self.threads, "validation_share": 0,
            # Of a model's labels those that are not among ours are neither learned nor forgotten.
            "labels_of_files": known,
        }
        return {**settings, **(self.options or {})}

    def _load(self):
        self._analyzer = Analyzer(pathlib.Path(self._place.name) / "model", threads=self.threads or 0)
        names = self._analyzer.labels
        self._columns = [names.index(str(label)) for label in self.classes_]

    def predict_proba(self, X):
        """[texts, classes], in the order of `classes_`."""
        check_is_fitted(self, "classes_")
        logits = self._analyzer.logits(_texts_of(X))[:, self._columns].astype(float)
        scores = numpy.exp(logits - logits.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The most probable label of each text."""
        check_is_fitted(self, "classes_")
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def save(self, folder):
        """Copies the fitted model to a new folder, which Analyzer and `valence analyze --model` take."""
        import shutil

        check_is_fitted(self, "classes_")
        shutil.copytree(pathlib.Path(self._place.name) / "model", folder)

    def __getstate__(self):
        state = dict(super().__getstate__())
        if state.pop("_place", None) is not None:
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as archive:
                archive.add(pathlib.Path(self._place.name) / "model", "model")
            state["_packed"] = packed.getvalue()
            for name in ("_analyzer", "_columns"):
                state.pop(name)
        return state

    def __setstate__(self, state):
        packed = state.pop("_packed", None)
        super().__setstate__(state)
        if packed is None:
            return
        self._place = tempfile.TemporaryDirectory(prefix="valence-")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(self._place.name, filter="data")
        self._load()
