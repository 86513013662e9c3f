"""SIGTERM inside a block of code."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final, NoReturn

EXIT_TERMINATED: Final = 128 + signal.SIGTERM  # what a shell and Kubernetes report for a process that SIGTERM ended


@contextlib.contextmanager
def sigterm_handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """SIGTERM calls the handler inside; outside the main thread, where Python takes no signals, nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_on_signal(number: int, _frame: FrameType | None) -> NoReturn:
    """A handler that ends the program by SystemExit, so that `finally` is not passed over."""
    raise SystemExit(128 + number)
