import os
from typing import Any, TypeVar

from valence.analyzer import Analyzer

Frame = TypeVar("Frame")

def analyze_frame(
    frame: Frame,
    column: str,
    model: str | os.PathLike[str] | None = None,
    *,
    analyzer: Analyzer | None = None,
    **options: Any,
) -> Frame: ...
