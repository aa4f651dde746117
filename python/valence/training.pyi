import os
from collections.abc import Iterable, Sequence
from typing import Any

def train(
    data: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Iterable[str],
    output: str | os.PathLike[str],
    *,
    labels: Iterable[object] | None = None,
    quiet: bool = False,
    **options: Any,
) -> dict[str, Any]: ...
def write_rows(path: str | os.PathLike[str], texts: Iterable[str], labels: Iterable[object]) -> None: ...
