"""Sentiment in every language from one native program.

    >>> from valence import pipeline
    >>> classify = pipeline("sentiment-analysis")
    >>> classify("I love this")
    [{'label': 'positive', 'score': 0.97...}]

`pipeline` answers as the text-classification pipeline of transformers does. `Analyzer` says more: polarity, tokens,
windows. `analyze_frame` labels a column of a pandas or Polars frame, `train` fine-tunes. `valence.sklearn` has an
estimator, `valence.spacy` a component.
"""

import importlib

# What is asked for is loaded then, so that `import valence` costs nothing.
_PLACES = {
    "Analyzer": "analyzer",
    "Result": "analyzer",
    "BadModel": "errors",
    "ModelUnavailable": "errors",
    "TrainingFailed": "errors",
    "TextClassificationPipeline": "pipelines",
    "pipeline": "pipelines",
    "analyze_frame": "frames",
    "train": "training",
    "__version__": "_version",
}
__all__ = sorted(name for name in _PLACES if not name.startswith("_"))


def __getattr__(name):
    if name not in _PLACES:
        raise AttributeError(f"module 'valence' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"valence.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *__all__])
