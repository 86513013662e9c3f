"""Optuna's journal as one object in a bucket, for a driver that may be killed and begun again elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from intclass.components.shared import storage
from intclass.components.shared.errors import ClusterError


class TakenOverError(ClusterError):
    """Another driver goes on with this study."""


class BucketJournal(BaseJournalBackend):  # type: ignore[misc] # Optuna's types are not looked at
    """The journal at a gs:// path, of one driver at a time.

    It is read once, and written at each change; every write says which one it follows. A driver that was not the last
    to write is thus told so, by TakenOverError, before it does anything about its trials.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._generation = storage.generation(path)
        self._lines = storage.read_text(path).splitlines() if self._generation else []

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """The entries from that number on."""
        return [json.loads(line) for line in self._lines[log_number_from:]]

    def append_logs(self, logs: list[Mapping[str, Any]]) -> None:
        """Add the entries."""
        lines = [*self._lines, *(json.dumps(log, separators=(",", ":")) for log in logs)]
        data = "".join(f"{line}\n" for line in lines).encode()
        written = storage.write_generation(self._path, data, replacing=self._generation)
        if written is None and storage.read_bytes(self._path) == data:  # the answer to a first try was lost
            written = storage.generation(self._path)
        if written is None:
            raise TakenOverError(f"{self._path}: another driver goes on with this study; this one ends")
        self._lines, self._generation = lines, written
