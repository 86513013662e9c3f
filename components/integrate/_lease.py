"""Ownership of a place on an object store by one process at a time.

Object stores know no locks, but they write an object on condition that it has not changed since. The owner's object is
written anew every RENEW_SECONDS, on that condition. Who finds one watches it: if it changes, the owner is alive; if it
does not for LEASE_SECONDS by the watcher's own clock, it is taken over, which only one of several watchers can do. The
owner itself stops in good time when it could not renew. No two machines' clocks are compared.
(C. G. Gray and D. R. Cheriton, Leases, SOSP 1989, section 2.)
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import Final

from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, StorageError

LEASE_SECONDS: Final = 30.0
RENEW_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)


class Lease:
    """Held from the moment it is made, until `release`.

    Raises ConfigError if another process holds it; StorageError if the object store does not answer.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._owner = uuid.uuid4().hex
        self._renewals = 0
        self._lost = False
        self._renewed = time.monotonic()
        self._generation = self._write(replacing=self._await_turn())
        self._stop = threading.Event()
        self._renewer = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._renewer.start()

    def check(self) -> None:
        """Raises StorageError if another process may have taken over."""
        if self._lost or time.monotonic() - self._renewed >= LEASE_SECONDS:
            raise StorageError(
                f"{self._path}: not renewed for {LEASE_SECONDS:g} s, so another process may have taken over;"
                " start again to go on where this one stopped"
            )

    def release(self) -> None:
        """Let the next one have it at once."""
        self._stop.set()
        self._renewer.join()
        storage.delete_generation(self._path, self._generation)

    def _await_turn(self) -> int:
        """The generation that may be replaced."""
        found = storage.generation(self._path)
        if not found:
            return 0
        _log.warning("%s: waiting up to %g s to see whether its owner is alive", self._path, LEASE_SECONDS)
        deadline = time.monotonic() + LEASE_SECONDS
        while time.monotonic() < deadline:
            time.sleep(RENEW_SECONDS / 5)
            now = storage.generation(self._path)
            if not now:
                return 0
            if now != found:
                raise self._refusal()
        return found

    def _refusal(self) -> ConfigError:
        return ConfigError(f"{self._path}: another process is working on this journal; wait for it or stop it")

    def _write(self, *, replacing: int) -> int:
        """Replace that generation by one of ours and return it."""
        started = time.monotonic()
        self._renewals += 1
        text = f"{self._owner} {self._renewals}\n".encode()
        written = storage.write_generation(self._path, text, replacing=replacing)
        if written is None:
            written = storage.generation(self._path)
            if not written or storage.read_bytes(self._path) != text:  # else a first try's answer was lost
                raise self._refusal()
        self._renewed = started
        return written

    def _renew(self) -> None:
        while not self._stop.wait(RENEW_SECONDS):
            try:
                self._generation = self._write(replacing=self._generation)
            except ConfigError:
                self._lost = True
                return
            except StorageError:  # the next try may come through; `check` knows when it is too late
                _log.warning("%s: could not be renewed", self._path, exc_info=True)
