"""Pieces of a stream of texts that are worth a call."""

import time

_MOST = 1024  # texts of a piece
_PATIENCE = 0.02  # seconds that a piece waits for its next text


def chunks(items, most=_MOST):
    """Lists of `items` in their order: as many as come at once, so that a slow source is answered as it goes."""
    chunk, began = [], 0.0
    for item in items:
        if not chunk:
            began = time.monotonic()
        chunk.append(item)
        if len(chunk) >= most or time.monotonic() - began > _PATIENCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
