"""What can go wrong, for a reader.

IntclassError                every error that a user can mend; the command line prints it as one line
├── ClusterError             a cluster does not answer or refuses a job, or the job on it fails
├── ConfigError              an option or a combination of options makes no sense
├── ExpressionError          an expression could not be read, or is over a limit
├── GrammarError             a grammar file is not a grammar
├── RecordsError             a table is not what its stage promised
├── ServingError             a served model does not start, or does not answer as the model does
├── StorageError             a path or bucket could not be read or written
├── LostRankError            another process of a training was lost
└── EngineUnavailableError   a computer algebra system that was asked for is not installed
"""

from __future__ import annotations


class IntclassError(Exception):
    """Base of all errors that name a value, the limit it broke, and the way out."""


class ClusterError(IntclassError):
    """A Kubernetes cluster cannot be reached, refuses an object, or a job on it comes to a bad end."""


class ConfigError(IntclassError):
    """An option has a value that cannot be used."""


class ExpressionError(IntclassError):
    """A text is not an expression in x, or is over a limit.

    `position` is the 0-based offset in the text where the reader stopped, or None where no single place is to blame.
    """

    def __init__(self, message: str, *, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class GrammarError(IntclassError):
    """A grammar names an unknown operator or has weights that cannot be drawn from."""


class RecordsError(IntclassError):
    """A table does not have the schema that its stage promises."""


class StorageError(IntclassError):
    """A file or an object cannot be read or written."""


class ServingError(IntclassError):
    """A served model does not start, does not stop, or does not answer as the model does."""


class EngineUnavailableError(IntclassError):
    """An integration engine is not installed on this machine."""


class LostRankError(IntclassError):
    """Another process of the same training ended, or cannot be reached."""
