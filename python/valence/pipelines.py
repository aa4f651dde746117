"""`pipeline`, in the shape of transformers 5.23's text-classification pipeline."""

import warnings
from collections.abc import Mapping

from valence import _model
from valence._chunks import chunks

_TASKS = ("sentiment-analysis", "text-classification")
_FUNCTIONS = ("softmax", "sigmoid", "none")
_DTYPES = {"float32": "fp32", "float": "fp32", "bfloat16": "bf16", "float16": "bf16", "int8": "int8"}
_UNSET = ""  # what transformers calls a top_k that nobody gave; None asks for all labels
# Arguments of transformers that mean nothing here: nothing is padded, no code is downloaded, and a tokenizer is the
# model's own.
_NO_MEANING = {
    "batch_size", "num_workers", "padding", "framework", "trust_remote_code", "use_fast", "token", "device_map",
    "use_auth_token", "binary_output", "config", "feature_extractor", "image_processor", "processor",
    "model_card", "pipeline_class", "pad_to_multiple_of", "add_special_tokens", "return_tensors", "return_token_type_ids",
    "return_attention_mask", "clean_up_tokenization_spaces", "model_max_length",
}
_OWN = {"adapter", "social", "threads", "offline"}


def pipeline(task=None, model=None, revision=None, device=None, batch_size=None, **options):
    """A classifier that is called with texts, as transformers.pipeline("sentiment-analysis") makes one.

    `model` is None for the one that the package carries, a folder, or a name of the hub ("org/name"); `device` -1 or
    "cpu", 0 or "cuda", None for what is best. `top_k` and `function_to_apply` may be given here or to the call.
    `adapter`, `dtype` ("fp32", "bf16", "int8", "nf4"), `social`, `long`, `threads` and `offline` are those of Analyzer.
    What else transformers takes is accepted where it has a meaning here or needs none; `batch_size` changes nothing, as
    every text has the same answer in any batch.

    >>> classify = pipeline("sentiment-analysis")
    >>> classify(["I love this", "I hate this"])
    [{'label': 'positive', 'score': 0.97...}, {'label': 'negative', 'score': 0.97...}]
    >>> classify("I love this", top_k=None)
    [{'label': 'positive', 'score': 0.97...}, {'label': 'neutral', ...}, {'label': 'negative', ...}]
    """
    if task is not None and task not in _TASKS:
        raise ValueError(f"task {task!r} is unknown, expected one of {', '.join(_TASKS)}")
    return TextClassificationPipeline(model=model, revision=revision, device=device, batch_size=batch_size, **options)


def _dtype_of(options):
    """The dtype that is asked for, by transformers' names or ours."""
    model_options = dict(options.pop("model_kwargs", None) or {})
    asked = None
    for given in (model_options, options):
        for name in ("torch_dtype", "dtype"):
            asked = given.pop(name, None) or asked
    if model_options.pop("load_in_8bit", False):
        asked = "int8"
    if model_options.pop("load_in_4bit", False):
        asked = "nf4"
    if "cache_dir" in model_options:
        raise ValueError("model_kwargs: cache_dir is not supported; set HF_HOME")
    name = str(asked or "auto").removeprefix("torch.")
    return _DTYPES.get(name, name)


class _CallOptions:
    """What decides the form of an answer."""

    def __init__(self, options, base=None):
        self.top_k = base.top_k if base else _UNSET
        self.function = base.function if base else ""
        self.all_scores = base.all_scores if base else None
        if "top_k" in options:
            top_k = options.pop("top_k")
            if not (top_k in (None, _UNSET) or (isinstance(top_k, int) and not isinstance(top_k, bool))):
                raise TypeError(f"top_k: expected int or None, got {type(top_k).__name__}")
            self.top_k = top_k
        if "function_to_apply" in options:
            self.function = _function_of(options.pop("function_to_apply"))
        if "return_all_scores" in options:
            self.all_scores = options.pop("return_all_scores")
            warnings.warn("return_all_scores is deprecated: top_k=None gives all scores, sorted", FutureWarning,
                          stacklevel=4)

    def answer(self, answers):
        ranked = self.top_k != _UNSET
        everything = not ranked and bool(self.all_scores)
        # Not sorted and in a list, as transformers does it for return_all_scores.
        return answers.pipeline(self.function, not ranked and not everything, self.top_k if ranked else None,
                                everything)


def _cut_of(options, settings):
    """(long, max_tokens) that transformers' truncation and max_length, or `long`, ask for."""
    long, most = settings
    if "long" in options:
        long = options.pop("long")
    truncation = options.pop("truncation", None)
    if truncation in (True, "longest_first", "only_first"):
        long = "truncate"
    elif truncation not in (None, False, "do_not_truncate"):
        raise ValueError(f"truncation {truncation!r} is unknown, expected True or False")
    length = options.pop("max_length", None)
    if length is None or long != "truncate":
        return long, most
    if not isinstance(length, int) or length < 1:
        raise ValueError(f"max_length: expected a number of tokens, got {length!r}")
    return long, length


def _refuse(options):
    """What is left must be something of transformers that has no meaning here."""
    unknown = sorted(set(options) - _NO_MEANING)
    if unknown:
        raise TypeError(f"pipeline has no argument {', '.join(unknown)}")


def _is_column(inputs):
    """An array or a column of a frame: they know their rows, so they are answered at once."""
    return any(hasattr(inputs, name) for name in ("tolist", "to_list", "to_pylist"))


def _function_of(function):
    if function is None:
        return ""
    name = str(getattr(function, "name", function)).lower()
    if name == "default":
        return ""
    if name not in _FUNCTIONS:
        raise ValueError(f"function_to_apply {function!r} is unknown, expected one of {', '.join(_FUNCTIONS)}")
    return name


def _input_of(item):
    """One text, or a tuple of two, out of what transformers takes."""
    if isinstance(item, str):
        return item
    if isinstance(item, Mapping):
        unknown = set(item) - {"text", "text_pair"}
        if unknown or "text" not in item:
            raise ValueError(f"expected a dict with text and perhaps text_pair, got the keys {sorted(map(str, item))}")
        return (item["text"], item.get("text_pair"))
    if isinstance(item, list):
        if len(item) == 1 and isinstance(item[0], list) and len(item[0]) == 2:
            return tuple(item[0])
        raise ValueError('a text is a list; for a pair of texts give {"text": "My text", "text_pair": "My pair"}')
    raise TypeError(f"expected str or a dict with text, got {type(item).__name__}")


class TextClassificationPipeline:
    """What `pipeline` makes. `labels` are the model's labels in the order of its outputs."""

    task = "text-classification"

    def __init__(self, *, model=None, revision=None, device=None, tokenizer=None, **options):
        self._call = _CallOptions(options)
        self._cut = _cut_of(options, ("windows", 0))
        self._settings = {"model": model, "revision": revision, "device": device, "dtype": _dtype_of(options)}
        for name in _OWN & set(options):
            self._settings[name] = options.pop(name)
        _refuse(options)
        self._models = {}
        self._model_for(self._cut)

    @property
    def labels(self):
        return self._model_for(self._cut).labels

    def __call__(self, inputs, **options):
        """`inputs` is a str, a dict {"text", "text_pair"}, a list of them, or anything that can be iterated over, which
        gives an iterator that answers as the texts come."""
        in_call = "top_k" in options
        call = _CallOptions(options, self._call)
        model = self._model_for(_cut_of(options, self._cut))
        _refuse(options)
        if isinstance(inputs, (str, Mapping)):
            answer = call.answer(model.classify([_input_of(inputs)]))[0]
            return [answer] if isinstance(inputs, str) and not in_call else answer
        if isinstance(inputs, (list, tuple)) or _is_column(inputs):
            return call.answer(model.classify([_input_of(item) for item in inputs]))
        # Data sets of PyTorch have no __iter__: their rows are asked for by number.
        if isinstance(inputs, (bytes, bytearray)) or not (hasattr(inputs, "__iter__") or hasattr(inputs, "__getitem__")):
            raise TypeError(f"expected str, a dict, or an iterable of them, got {type(inputs).__name__}")
        return self._stream(iter(inputs), call, model)

    @staticmethod
    def _stream(inputs, call, model):
        for chunk in chunks(inputs):
            yield from call.answer(model.classify([_input_of(item) for item in chunk]))

    def _model_for(self, cut):
        """Loaded once for each way to treat a long text that is asked for: seldom more than one."""
        if cut not in self._models:
            long, most = cut
            self._models[cut] = _model.load(read_blank=True, long=long, max_tokens=most, **self._settings)
        return self._models[cut]

    def __getstate__(self):
        return {"settings": self._settings, "cut": self._cut, "call": self._call}

    def __setstate__(self, state):
        self._settings, self._cut, self._call = state["settings"], state["cut"], state["call"]
        self._models = {}
        self._model_for(self._cut)

    def __repr__(self):
        return f"<valence pipeline, model {self._settings['model'] or 'default'}, labels {', '.join(self.labels)}>"
