"""The garbage collector: what has lost its owners goes too."""

from __future__ import annotations

from tests.cluster.resources import RESOURCES, Object, Resource, name_of, namespace_of, owned_by, uid_of
from tests.cluster.store import FOREGROUND, Store


class GarbageCollector:
    """Deletes objects none of whose owners exist, and finishes foreground deletions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def reconcile(self) -> None:
        """Collect once."""
        alive = self._store.uids()
        for resource, thing in self._store.owned():
            if all(reference["uid"] not in alive for reference in owned_by(thing)):
                self._delete(resource, thing, "Background")
        for resource in RESOURCES:
            for thing in self._store.all(resource):
                if FOREGROUND in thing["metadata"].get("finalizers", ()):
                    self._finish(uid_of(thing))
                    if not self._store.dependents(uid_of(thing)):
                        self._store.remove(resource, thing)

    def _finish(self, uid: str) -> None:
        for resource, thing in self._store.dependents(uid):
            self._delete(resource, thing, "Foreground")

    def _delete(self, resource: Resource, thing: Object, propagation: str) -> None:
        self._store.delete(resource, namespace_of(thing), name_of(thing), propagation=propagation)
