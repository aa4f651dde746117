import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, overload

import numpy
import numpy.typing

Text = str | tuple[str, str | None] | Mapping[str, str]
Dtype = Literal["auto", "fp32", "bf16", "int8", "nf4"]

class ArrowArray(Protocol):
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

class ArrowStream(Protocol):
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@dataclass(frozen=True, slots=True)
class Result:
    error: str | None
    message: str | None
    label: str | None
    score: float | None
    scores: dict[str, float]
    polarity: float | None
    tokens: int
    windows: int
    truncated: bool
    tasks: dict[str, dict[str, Any]]
    language: str | None = ...
    language_confidence: float | None = ...
    route: str | None = ...
    translation: str | None = ...
    warnings: tuple[str, ...] = ...

class Analyzer:
    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        revision: str | None = None,
        adapter: str | os.PathLike[str] | None = None,
        tasks: str | Sequence[str] | None = None,
        dtype: Dtype = "auto",
        device: int | str | None = None,
        social: Literal["auto", "on", "off"] = "auto",
        long: Literal["windows", "truncate", "error"] = "windows",
        threads: int = 0,
        offline: bool = False,
    ) -> None: ...
    @property
    def labels(self) -> list[str]: ...
    @property
    def tasks(self) -> dict[str, list[str]]: ...
    @property
    def routes(self) -> bool: ...
    @property
    def weight_bytes(self) -> int: ...
    def provenance(self) -> dict[str, str]: ...
    @overload
    def analyze(self, texts: str | Mapping[str, str]) -> Result: ...
    @overload
    def analyze(self, texts: Iterable[Text]) -> list[Result]: ...
    def iterate(self, texts: Iterable[Text]) -> Iterator[Result]: ...
    def logits(self, texts: Iterable[Text]) -> numpy.typing.NDArray[numpy.float32]: ...
    def analyze_arrow(self, data: ArrowArray | ArrowStream, column: str | None = None) -> ArrowArray: ...
