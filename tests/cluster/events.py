"""Events, as `kubectl describe` shows them."""

from __future__ import annotations

from typing import Final

from tests.cluster.resources import EVENTS, Object, name_of, namespace_of, uid_of
from tests.cluster.store import Store, now, random_suffix

WARNING: Final = "Warning"


class Recorder:
    """Writes each event of an object once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._written: set[tuple[str, str, str]] = set()

    def warn(self, thing: Object, reason: str, message: str) -> None:
        """Record a warning."""
        key = (uid_of(thing), reason, message)
        if key in self._written:
            return
        self._written.add(key)
        about = {
            "kind": thing["kind"],
            "apiVersion": thing["apiVersion"],
            "name": name_of(thing),
            "namespace": namespace_of(thing),
            "uid": uid_of(thing),
        }
        event = {
            "metadata": {"name": f"{name_of(thing)}.{random_suffix()}"},
            "involvedObject": about,
            "type": WARNING,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now(),
            "lastTimestamp": now(),
        }
        self._store.create(EVENTS, namespace_of(thing), event)
