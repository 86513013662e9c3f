"""Every object of the cluster and the history of its changes: what etcd and the API server's registry do."""

from __future__ import annotations

import copy
import datetime
import secrets
import string
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.cluster import errors
from tests.cluster.resources import PODS, Object, Resource, name_of, namespace_of, owned_by, uid_of

Admission = Callable[[Resource, Object], None]
Key = tuple[Resource, str, str]

FOREGROUND: Final = "foregroundDeletion"
_LETTERS: Final = string.ascii_lowercase + string.digits


@dataclass(frozen=True)
class Change:
    """One event of a watch: ADDED, MODIFIED or DELETED."""

    version: int
    kind: str
    resource: Resource
    thing: Object


def now() -> str:
    """The time as objects write it."""
    return datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_since(moment: str) -> float:
    """How long ago a time of an object is."""
    return (datetime.datetime.now(tz=datetime.UTC) - datetime.datetime.fromisoformat(moment)).total_seconds()


def random_suffix() -> str:
    """Five characters, as `generateName` adds them."""
    return "".join(secrets.choice(_LETTERS) for _ in range(5))


class Store:
    """Objects go in and out as copies. `changed` is notified of each change and guards all of it."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.admission: list[Admission] = []
        self.version = 1
        self._oldest = 0
        self._objects: dict[Key, Object] = {}
        self._history: list[Change] = []

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """The object; raises ApiError 404 if there is none."""
        with self.changed:
            return copy.deepcopy(self._find(resource, namespace, name))

    def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        with self.changed:
            return copy.deepcopy(self._objects.get((resource, namespace, name)))

    def all(self, resource: Resource, namespace: str = "") -> list[Object]:
        """All objects of the kind, in the namespace or everywhere, by name."""
        with self.changed:
            chosen = [key for key in self._objects if key[0] == resource and namespace in ("", key[1])]
            return [copy.deepcopy(self._objects[key]) for key in sorted(chosen, key=lambda key: key[1:])]

    def dependents(self, uid: str) -> list[tuple[Resource, Object]]:
        """The objects that name this one as an owner."""
        with self.changed:
            pairs = [(key[0], thing) for key, thing in self._objects.items()]
        return [(kind, thing) for kind, thing in pairs if any(ref["uid"] == uid for ref in owned_by(thing))]

    def owned(self) -> list[tuple[Resource, Object]]:
        """The objects that have owners."""
        with self.changed:
            return [(key[0], copy.deepcopy(thing)) for key, thing in self._objects.items() if owned_by(thing)]

    def uids(self) -> set[str]:
        """The identities of all objects."""
        with self.changed:
            return {uid_of(thing) for thing in self._objects.values()}

    def create(self, resource: Resource, namespace: str, thing: Object) -> Object:
        """Admit the object, complete its metadata, keep it; raises ApiError 403, 409 or 422."""
        thing = copy.deepcopy(thing)
        thing |= {"apiVersion": resource.api_version, "kind": resource.kind}
        meta = thing.setdefault("metadata", {})
        if "name" not in meta and "generateName" in meta:
            meta["name"] = meta["generateName"] + random_suffix()
        if resource.namespaced:
            meta["namespace"] = namespace
        for admit in self.admission:
            admit(resource, thing)
        with self.changed:
            key = (resource, namespace_of(thing), name_of(thing))
            if key in self._objects:
                raise errors.already_exists(resource, name_of(thing))
            meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": now(), "generation": 1}
            thing.pop("status", None)
            if resource == PODS:
                thing["status"] = {"phase": "Pending", "conditions": []}
            self._objects[key] = thing
            return self._note("ADDED", resource, thing)

    def replace(self, resource: Resource, thing: Object, *, status: bool = False) -> Object:
        """Keep a new state of the object's status or of all the rest; raises ApiError 404, 409 or 422."""
        with self.changed:
            old = self._find(resource, namespace_of(thing), name_of(thing))
            version = thing["metadata"].get("resourceVersion")
            if version not in (None, old["metadata"]["resourceVersion"]):
                raise errors.conflict(resource, name_of(thing))
            merged = copy.deepcopy({**old, "status": thing.get("status", {})} if status else thing)
            if not status:
                merged.pop("status", None)
                merged |= {"status": copy.deepcopy(old["status"])} if "status" in old else {}
                merged["metadata"] |= {key: old["metadata"][key] for key in ("uid", "creationTimestamp")}
                if merged.get("spec") != old.get("spec"):
                    merged["metadata"]["generation"] = old["metadata"]["generation"] + 1
            if merged == old:
                return copy.deepcopy(old)
            self._objects[resource, namespace_of(thing), name_of(thing)] = merged
            return self._note("MODIFIED", resource, merged)

    def set_status(self, resource: Resource, thing: Object) -> Object:
        """Write a controller's view of the object's status; nothing happens if it has been deleted."""
        with self.changed:
            current = self.find(resource, namespace_of(thing), name_of(thing))
            if current is None or uid_of(current) != uid_of(thing):
                return thing
            return self.replace(resource, {**current, "status": thing["status"]}, status=True)

    def delete(
        self, resource: Resource, namespace: str, name: str, *, propagation: str = "", grace: int = 30
    ) -> Object:
        """Begin to delete it; a pod goes when its processes have ended, others now or after their dependents."""
        with self.changed:
            thing = self._find(resource, namespace, name)
            if thing["metadata"].get("deletionTimestamp"):
                return copy.deepcopy(thing)
            if propagation == "Orphan":
                self._orphan(uid_of(thing))
            if resource == PODS or propagation == "Foreground":
                thing = copy.deepcopy(thing)
                thing["metadata"] |= {"deletionTimestamp": now(), "deletionGracePeriodSeconds": grace}
                if propagation == "Foreground":
                    thing["metadata"]["finalizers"] = [FOREGROUND]
                self._objects[resource, namespace, name] = thing
                return self._note("MODIFIED", resource, thing)
            return self.remove(resource, thing)

    def remove(self, resource: Resource, thing: Object) -> Object:
        """Take the object out; nothing happens if it is gone."""
        with self.changed:
            found = self._objects.pop((resource, namespace_of(thing), name_of(thing)), None)
            return self._note("DELETED", resource, found) if found else thing

    def changes(self, since: int) -> list[Change]:
        """What has changed after that version; raises ApiError 410 if it has been forgotten."""
        with self.changed:
            if since < self._oldest:
                raise errors.expired(since, self._oldest)
            return [change for change in self._history if change.version > since]

    def forget(self) -> None:
        """Compact the history: every watch must begin anew with a list."""
        with self.changed:
            self.version += 1
            self._history.clear()
            self._oldest = self.version
            self.changed.notify_all()

    def namespaces(self) -> Iterator[str]:
        """The namespaces in which there is anything."""
        with self.changed:
            yield from sorted({key[1] for key in self._objects if key[1]})

    def _find(self, resource: Resource, namespace: str, name: str) -> Object:
        try:
            return self._objects[resource, namespace, name]
        except KeyError:
            raise errors.not_found(resource, name) from None

    def _note(self, kind: str, resource: Resource, thing: Object) -> Object:
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)
        self._history.append(Change(self.version, kind, resource, copy.deepcopy(thing)))
        self.changed.notify_all()
        return copy.deepcopy(thing)

    def _orphan(self, uid: str) -> None:
        for resource, thing in self.dependents(uid):
            kept = [reference for reference in owned_by(thing) if reference["uid"] != uid]
            thing["metadata"]["ownerReferences"] = kept
            self._note("MODIFIED", resource, thing)
