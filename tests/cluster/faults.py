"""What can go wrong on demand."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster.errors import ApiError, failure, unauthorized


@dataclass
class _Refusal:
    method: str
    path: re.Pattern[str]
    times: int
    error: Callable[[], ApiError]


class Faults:
    """Refuses requests, cuts watches; the counters say what clients really met.

    Attributes:
        refused: Requests that were refused so far.
        cut: Streams (watches and followed logs) that were cut so far.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.cut = 0
        self._lock = threading.Lock()
        self._refusals: list[_Refusal] = []
        self._generation = 0

    def refuse(self, code: int, *, times: int = 1, method: str = ".*", path: str = ".*") -> None:
        """Answer the next requests to such a path with 401, 429, 500, 503 or 504 (regular expressions, whole text)."""
        error = unauthorized if code == 401 else lambda: failure(code)
        with self._lock:
            self._refusals.append(_Refusal(method, re.compile(path), times, error))

    def drop_connections(self) -> None:
        """Cut every open watch and followed log in the middle, as a restarting API server does."""
        with self._lock:
            self._generation += 1

    def check(self, method: str, path: str) -> None:
        """Raise the ApiError that this request is to meet, if any."""
        with self._lock:
            for refusal in self._refusals:
                if refusal.times and re.fullmatch(refusal.method, method) and refusal.path.fullmatch(path):
                    refusal.times -= 1
                    self.refused += 1
                    raise refusal.error()

    def cutter(self) -> Callable[[], bool]:
        """Whether the stream that begins now must end."""
        begun = self._generation

        def must_end() -> bool:
            if self._generation == begun:
                return False
            with self._lock:
                self.cut += 1
            return True

        return must_end
