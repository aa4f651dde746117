from typing import Any

version: str

class Answers:
    def __len__(self) -> int: ...
    def pipeline(self, function: str, best: bool, top_k: int | None, unsorted: bool) -> list[Any]: ...
    def rows(self) -> list[tuple[Any, ...]]: ...
    def logits(self) -> bytes: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

class Model:
    def __init__(
        self,
        *,
        model: str | None,
        adapter: str | None,
        tasks: str | None,
        dtype: str,
        device: str,
        social: str,
        long_text: str,
        max_tokens: int,
        threads: int,
        offline: bool,
        read_blank: bool,
    ) -> None: ...
    def classify(self, texts: list[Any] | tuple[Any, ...]) -> Answers: ...
    def classify_arrow(self, data: object, column: str | None) -> Answers: ...
    def provenance(self) -> dict[str, str]: ...
    labels: list[str]
    tasks: list[tuple[str, list[str]]]
    regression: bool
    multi_label: bool
    weight_bytes: int
    threads: int

def run_program(arguments: list[str]) -> int: ...
def usable_cores() -> int: ...
