"""SIGTERM as an exception, so that what a step has made on the cluster can be put in order."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

EXIT_TERMINATED: Final = 143


class TerminatedError(BaseException):
    """SIGTERM, as an exception: of no kind that anything between would catch."""


@contextlib.contextmanager
def sigterm_raised() -> Iterator[None]:
    """SIGTERM raises TerminatedError inside, where this is the main thread; elsewhere signals do not arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
