"""Locks that end with the process that holds them, whatever kills it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock


class Lock:
    """An exclusive lock on a file, held by this process and by every child that inherits its descriptor."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path, *, wait: bool = False) -> Self | None:
        """The lock, or None if another process has it; with `wait` only when it has been let go."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    def close(self) -> None:
        """Let go of it, as far as this process is concerned."""
        os.close(self.descriptor)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock, and hold it."""
    lock = Lock.acquire(path, wait=True)
    assert lock is not None
    try:
        yield
    finally:
        lock.close()


def journal(path: Path) -> BaseJournalBackend:
    """Optuna's journal in a file, whose lock no killed process can leave behind.

    What a machine that lost power left of a last line is cut off: the next line would be spoilt by it.
    """
    with locked(_lock_of(path)):
        text = path.read_bytes() if path.exists() else b""
        if text and not text.endswith(b"\n"):
            os.truncate(path, text.rfind(b"\n") + 1)
    return JournalFileBackend(str(path), lock_obj=_JournalLock(_lock_of(path)))


class _JournalLock(BaseJournalFileLock):  # type: ignore[misc] # Optuna's types are not looked at
    """The face that Optuna's journal wants."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: Lock | None = None

    def acquire(self) -> bool:
        self._lock = Lock.acquire(self._path, wait=True)
        return True

    def release(self) -> None:
        assert self._lock is not None
        self._lock.close()


def _lock_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")
