import os
from collections.abc import Iterable
from typing import Any, Literal

Function = Literal["softmax", "sigmoid", "none", "default"]

def pipeline(
    task: Literal["sentiment-analysis", "text-classification"] | None = None,
    model: str | os.PathLike[str] | None = None,
    revision: str | None = None,
    device: int | str | None = None,
    batch_size: int | None = None,
    *,
    top_k: int | None = ...,
    function_to_apply: Function | None = ...,
    truncation: bool | str = ...,
    max_length: int = ...,
    dtype: Any = ...,
    adapter: str | os.PathLike[str] | None = ...,
    social: Literal["auto", "on", "off"] = ...,
    long: Literal["windows", "truncate", "error"] = ...,
    threads: int = ...,
    offline: bool = ...,
    **options: Any,
) -> TextClassificationPipeline: ...

class TextClassificationPipeline:
    task: str
    def __init__(self, *, model: str | os.PathLike[str] | None = None, **options: Any) -> None: ...
    @property
    def labels(self) -> list[str]: ...
    # A list for a str or a list, a dict for a dict, an iterator for anything else, as transformers does.
    def __call__(self, inputs: str | dict[str, str] | Iterable[Any], **options: Any) -> Any: ...
