"""What Valence raises where Python has no word for it.

Wrong arguments raise ValueError or TypeError, a missing file FileNotFoundError, an interrupted call KeyboardInterrupt.
"""


class ModelUnavailable(OSError):
    """A model cannot be had: unknown, not downloaded while offline, gated."""


class BadModel(ValueError):
    """A file of a model is not what its format says."""


class TrainingFailed(RuntimeError):
    """`valence train` ended with an error; `status` is its exit status, the message what it said."""

    def __init__(self, message, status):
        super().__init__(message)
        self.status = status
