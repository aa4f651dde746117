"""`Analyzer`: everything that Valence knows about a text."""

import dataclasses
from collections.abc import Mapping

from valence import _model
from valence._chunks import chunks


@dataclasses.dataclass(frozen=True, slots=True)
class Result:
    """What is known about one text.

    `error` is None, or why the text could not be used ("empty_text", "invalid_encoding", "too_long"), and `message` the
    same in words; the rest then has no meaning. `label` has the largest of `scores` (by label, in the order of the
    model's outputs), which is `score`. `polarity` goes from -1 (negative) to 1 (positive), and is None when the labels
    say nothing about it. `tokens` counts special tokens too, before any cut; `windows` the overlapping parts in which
    the text was read; `truncated` says that a part was not read. `tasks` has the other answers that were asked for.

    Of an Analyzer without a model of its own: `language` (ISO 639, or "und") with its confidence, and the `route` that
    the text took ("native", "multilingual", "translated"), with the `translation` that was read and `warnings`.
    """

    error: "str | None"
    message: "str | None"
    label: "str | None"
    score: "float | None"
    scores: "dict[str, float]"
    polarity: "float | None"
    tokens: int
    windows: int
    truncated: bool
    tasks: "dict[str, dict]"
    language: "str | None" = None
    language_confidence: "float | None" = None
    route: "str | None" = None
    translation: "str | None" = None
    warnings: "tuple[str, ...]" = ()


def _result_of(row):
    *own, routing = row
    return Result(*own, *(routing or ()))


def _text_of(item):
    if isinstance(item, Mapping):
        return (item["text"], item.get("text_pair"))
    return item


def _has_arrow(data):
    return hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__")


class Analyzer:
    """A loaded model.

    `model` is None for the one that the package carries, a folder, or a name of the hub ("org/name"), which is
    downloaded at first use unless `offline`; `adapter` a PEFT LoRA adapter. `dtype` is "fp32", "bf16", "int8", "nf4" or
    "auto"; `social` ("on", "off", "auto") prepares tweets; `long` says what happens to a text beyond the model's length:
    "windows" reads all of it, "truncate", "error". `tasks` are other adapters that answer in the same pass. `threads`
    0 takes every core.

    Texts are str, or a tuple or dict {"text", "text_pair"} of two for models of two sentences. An Analyzer may be used
    from several threads and in the child of a fork; it pickles.

    >>> analyzer = Analyzer()
    >>> analyzer.analyze("I love this").label
    'positive'
    >>> [round(result.polarity, 1) for result in analyzer.analyze(["I love this", "I hate this"])]
    [1.0, -1.0]
    """

    def __init__(self, model=None, *, revision=None, adapter=None, tasks=None, dtype="auto", device=None, social="auto",
                 long="windows", threads=0, offline=False):
        self._settings = {
            "model": model, "revision": revision, "adapter": adapter, "tasks": tasks, "dtype": dtype, "device": device,
            "social": social, "long": long, "threads": threads, "offline": offline,
        }
        self._model = _model.load(**self._settings)

    @property
    def labels(self):
        """In the order of the model's outputs."""
        return self._model.labels

    @property
    def tasks(self):
        """The labels of each task that was asked for."""
        return dict(self._model.tasks)

    @property
    def routes(self):
        """Whether each text takes the route of its language: where neither model nor adapter is named."""
        return self._settings["model"] is None and self._settings["adapter"] is None

    @property
    def weight_bytes(self):
        """Of the weights in memory."""
        return self._model.weight_bytes

    def provenance(self):
        """Where answers come from: model, revision, sha256 of the weights, adapter, dtype, device."""
        return self._model.provenance()

    def analyze(self, texts):
        """A Result for a text, or a list of them for a list of texts.

        A text that cannot be used raises ValueError when it is the only one; in a list its Result has `error` set, and
        the others are answered.
        """
        if isinstance(texts, (str, Mapping)):
            result = self._results([_text_of(texts)])[0]
            if result.error:
                raise ValueError(result.message)
            return result
        return self._results(self._list_of(texts))

    def iterate(self, texts):
        """Results for any iterable of texts, one after the other, as the texts come.

        >>> for result in Analyzer().iterate(open("reviews.txt")):
        ...     print(result.label)
        """
        for chunk in chunks(texts):
            yield from self._results([_text_of(text) for text in chunk])

    def logits(self, texts):
        """The model's outputs as a NumPy array, float32 [texts, labels]; NaN for a text that cannot be used."""
        import numpy

        answers = self._model.classify(self._list_of(texts))
        return numpy.frombuffer(answers.logits(), numpy.float32).reshape(len(answers), len(self.labels))

    def analyze_arrow(self, data, column=None):
        """Labels Arrow data without copying its texts.

        `data` is whatever has the Arrow C data interface: arrays and tables of PyArrow, Polars, DuckDB, nanoarrow. Of
        several columns `column` names the one that holds the texts. What comes back has the interface too, a row for
        each text with label, score, polarity, tokens, windows, truncated, scores, error, language, route:

        >>> pyarrow.record_batch(analyzer.analyze_arrow(table, "review"))
        >>> polars.DataFrame(pyarrow.record_batch(analyzer.analyze_arrow(frame["review"])))
        """
        if not _has_arrow(data):
            raise TypeError(f"expected Arrow data, got {type(data).__name__}")
        return self._model.classify_arrow(data, column)

    def _results(self, texts):
        return [_result_of(row) for row in self._model.classify(texts).rows()]

    @staticmethod
    def _list_of(texts):
        if isinstance(texts, (str, bytes, Mapping)):
            raise TypeError(f"expected a list of texts, got {type(texts).__name__}")
        return [_text_of(text) for text in texts]

    def __getstate__(self):
        return self._settings

    def __setstate__(self, settings):
        self._settings = settings
        self._model = _model.load(**settings)

    def __repr__(self):
        return f"<valence.Analyzer, model {self._settings['model'] or 'default'}, labels {', '.join(self.labels)}>"
