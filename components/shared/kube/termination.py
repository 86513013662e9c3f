"""SIGTERM as an exception, so that what a step has made on the cluster can be put in order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import FrameType

from intclass.components.shared.signals import sigterm_handled


class TerminatedError(BaseException):
    """SIGTERM, as an exception: of no kind that anything between would catch."""


@contextlib.contextmanager
def sigterm_raised() -> Iterator[None]:
    """SIGTERM raises TerminatedError inside, where this is the main thread; elsewhere signals do not arrive."""

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise TerminatedError

    with sigterm_handled(terminate):
        yield
