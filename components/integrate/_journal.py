"""Finished work, written down at once where a restarted process finds it.

A journal is a set of lines, each a JSON object behind the CRC-32 of its text, under a key that says what was done with
which options. A line that is torn or damaged is as if it had never been written. Lines are only ever added, twice does
no harm.

On disk it is one append-only file: a line is with the operating system before `append` returns, so a SIGKILL loses no
finished row, and on the disk at most FSYNC_SECONDS later, which is what a crash of the machine may cost. The file is
locked, where the file system can: two processes never work on the same journal. On gs://, where nothing can be appended
to, lines gather for at most SEGMENT_SECONDS of work and then become one new object; a SIGKILL loses those that have not
yet, SIGTERM and Ctrl-C lose none. A lease keeps a second process out (see `_lease`). Objects carry their writer's name,
so that what a process still writes down that has just lost its lease overwrites nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
import uuid
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from intclass.components.integrate._lease import Lease
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, StorageError

FSYNC_SECONDS: Final = 5.0
SEGMENT_SECONDS: Final = 5.0
SUFFIX: Final = ".journal"
LEASE_SUFFIX: Final = ".lease"

Entry = Mapping[str, Any]


def encode_line(key: str, entry: Entry) -> bytes:
    """One line of a journal."""
    text = json.dumps({"key": key, "entry": entry}).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decode_lines(data: bytes) -> dict[str, dict[str, Any]]:
    """The entries of all whole lines, by key; torn and damaged lines are passed over."""
    entries = {}
    for line in data.split(b"\n"):
        checksum, _, text = line.partition(b" ")
        if checksum == b"%08x" % zlib.crc32(text):
            record = json.loads(text)
            entries[record["key"]] = record["entry"]
    return entries


class Journal(ABC):
    """Entries by key. Use it as a context manager, so that on leaving all of them are stored.

    Attributes:
        entries: What earlier processes wrote.
    """

    entries: dict[str, dict[str, Any]]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def append(self, key: str, entry: Entry) -> None:
        """Write down one entry."""

    @abstractmethod
    def close(self) -> None:
        """Store what is not stored yet."""

    @abstractmethod
    def discard(self) -> None:
        """Delete the journal: its work is elsewhere by now."""


def open_journal(folder: str | Path, name: str) -> Journal:
    """The journal of that name in the folder, local or gs://, with what earlier processes wrote.

    On gs:// it waits for LEASE_SECONDS where an earlier process was killed, to be sure that it is dead.

    Raises ConfigError if another process has it open, StorageError if it cannot be read or written.
    """
    return ObjectJournal(folder, name) if storage.is_remote(folder) else FileJournal(folder, name)


class FileJournal(Journal):
    """A journal in one local file."""

    def __init__(self, folder: str | Path, name: str) -> None:
        self._path = Path(folder, name + SUFFIX)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError as error:
            raise StorageError(f"{self._path}: {error.strerror}") from error
        self._lock()
        data = self._path.read_bytes()
        self.entries = decode_lines(data)
        if data and not data.endswith(b"\n"):
            os.write(self._descriptor, b"\n")  # ends the line that an earlier process left torn
        self._synced = time.monotonic()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise ConfigError(
                f"{self._path}: another process is working on this journal; wait for it or stop it"
            ) from None
        except OSError:  # some file systems, of buckets for one, know no locks
            return

    def append(self, key: str, entry: Entry) -> None:
        line = encode_line(key, entry)
        while line:
            line = line[os.write(self._descriptor, line) :]
        if time.monotonic() - self._synced >= FSYNC_SECONDS:
            self._sync()

    def _sync(self) -> None:
        os.fsync(self._descriptor)
        self._synced = time.monotonic()

    def close(self) -> None:
        if self._descriptor >= 0:
            self._sync()
            os.close(self._descriptor)
            self._descriptor = -1

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)
        self.close()
        if not any(self._path.parent.iterdir()):
            self._path.parent.rmdir()


class ObjectJournal(Journal):
    """A journal of numbered objects, each written once."""

    def __init__(self, folder: str | Path, name: str) -> None:
        self._folder = storage.join(folder, name)
        self._writer = uuid.uuid4().hex[:12]
        self._number = 0
        self._lines: list[bytes] = []
        self._flushed = time.monotonic()
        self.entries = {}
        self._lease = Lease(f"{self._folder}{LEASE_SUFFIX}")
        try:
            self._merge(storage.list_files(self._folder))
        except BaseException:
            self._lease.release()
            raise

    def _merge(self, segments: list[str]) -> None:
        """Read all segments; many small ones are replaced by one, so that the next reading is quick."""
        for segment in segments:
            self.entries |= decode_lines(storage.read_bytes(segment))
            self._number = int(segment.rpartition("/")[2].partition("-")[0])
        if len(segments) > 1:
            self._lines = [encode_line(key, entry) for key, entry in self.entries.items()]
            self._flush()
            for segment in segments:
                storage.delete(segment)

    def append(self, key: str, entry: Entry) -> None:
        """Write down one entry; raises StorageError if the journal may be another process's by now."""
        self._lines.append(encode_line(key, entry))
        self._lease.check()
        if time.monotonic() - self._flushed >= SEGMENT_SECONDS:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._number += 1  # after those of earlier writers, so that entries are read in the order of writing
            name = f"{self._number:08}-{self._writer}{SUFFIX}"
            storage.write_bytes(storage.join(self._folder, name), b"".join(self._lines))
            self._lines.clear()
        self._flushed = time.monotonic()

    def close(self) -> None:
        try:
            self._flush()
        finally:
            self._lease.release()

    def discard(self) -> None:
        self._lines.clear()
        storage.delete(self._folder)
