"""`analyze_frame`: a column of texts to columns of answers."""

from valence.analyzer import Analyzer

_COLUMNS = ("label", "score", "polarity", "tokens", "windows", "truncated", "language", "route")


def _is_missing(value):
    """None, or the NaN and NA of pandas."""
    return value is None or value != value or type(value).__name__ == "NAType"


def _names(taken):
    """A name for each new column: its own, or with a prefix where the frame has that name."""
    return {name: f"valence_{name}" if name in taken else name for name in _COLUMNS}


def analyze_frame(frame, column, model=None, *, analyzer=None, **options):
    """A copy of a pandas or Polars frame with label, score, polarity, tokens, windows and truncated for each row, and of an analyzer
    that routes with language and route.

    The frame's own columns come first and keep their index. A new column whose name is taken gets the prefix
    `valence_`. A row whose text is missing or cannot be used has a missing label. `analyzer` is one that is loaded
    already; else `model` and `options` are those of Analyzer.

    >>> analyze_frame(pandas.DataFrame({"review": ["I love this", None]}), "review")
            review     label  score  polarity  tokens  windows  truncated language   route
    0  I love this  positive   0.97      0.97       5        1      False       en  native
    1         None      None    NaN       NaN       0        0      False     None    None
    """
    kind = type(frame).__module__.partition(".")[0]
    if kind not in ("pandas", "polars") or not hasattr(frame, "columns"):
        raise TypeError(f"expected a pandas or Polars DataFrame, got {type(frame).__name__}")
    if column not in frame.columns:
        raise ValueError(f"the frame has no column {column!r}, it has {', '.join(map(repr, frame.columns))}")
    if analyzer is None:
        analyzer = Analyzer(model, **options)
    elif model is not None or options:
        raise TypeError("an analyzer is given, so model and options have no meaning")
    texts = [
        "" if _is_missing(value) else value if isinstance(value, str) else _refuse(column, value)
        for value in frame[column].to_list()
    ]
    results = analyzer.analyze(texts)
    names = _names(set(frame.columns))
    if kind == "polars":
        return _polars(frame, names, results, analyzer.routes)
    return _pandas(frame, names, results, analyzer.routes)


def _refuse(column, value):
    raise TypeError(f"column {column!r}: expected texts, got {type(value).__name__}")


def _pandas(frame, names, results, routes):
    import numpy
    import pandas

    out = frame.copy()
    kinds = {"label": object, "score": float, "polarity": float, "tokens": numpy.int64, "windows": numpy.int32,
             "truncated": bool}
    if routes:
        kinds.update(language=object, route=object)
    for name, kind in kinds.items():
        values = [getattr(result, name) for result in results]
        out[names[name]] = pandas.Series(values, index=frame.index, dtype=kind)
    return out


def _polars(frame, names, results, routes):
    import polars

    kinds = {"label": polars.String, "score": polars.Float64, "polarity": polars.Float64, "tokens": polars.Int64,
             "windows": polars.Int32, "truncated": polars.Boolean}
    if routes:
        kinds.update(language=polars.String, route=polars.String)
    return frame.with_columns([
        polars.Series(names[name], [getattr(result, name) for result in results], dtype=kind)
        for name, kind in kinds.items()
    ])
