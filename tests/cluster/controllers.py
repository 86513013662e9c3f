"""What controllers of jobs share: conditions, pods of their own, deadlines, time to live."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Any

from tests.cluster.errors import ApiError
from tests.cluster.events import Recorder
from tests.cluster.resources import PODS, Object, Resource, name_of, namespace_of, owned_by, reference_to, uid_of
from tests.cluster.store import Store, now, seconds_since


class Controller(ABC):
    """Brings each object of one kind towards what its specification says, whenever anything has changed."""

    resource: Resource

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self.store, self.recorder = store, recorder

    def reconcile(self) -> None:
        """Look at every object that is not being deleted, and write its status where that has changed."""
        for thing in self.store.all(self.resource):
            if not thing["metadata"].get("deletionTimestamp"):
                before = copy.deepcopy(thing.get("status"))
                thing.setdefault("status", {})
                self.step(thing)
                if thing["status"] != before:
                    self.store.set_status(self.resource, thing)

    @abstractmethod
    def step(self, thing: Object) -> None:
        """Do what is to be done for one object, and change its `status` in place."""

    def pods_of(self, owner: Object) -> list[Object]:
        """The pods that this object controls."""
        pods = self.store.all(PODS, namespace_of(owner))
        return [pod for pod in pods if any(ref["uid"] == uid_of(owner) for ref in owned_by(pod))]

    def create_owned(self, resource: Resource, owner: Object, thing: Object) -> None:
        """Create an object below its owner; a refusal becomes an event, and another try follows."""
        thing["metadata"]["ownerReferences"] = [reference_to(owner)]
        try:
            self.store.create(resource, namespace_of(owner), thing)
        except ApiError as error:
            self.recorder.warn(owner, "FailedCreate", f"Error creating: {error.message}")

    def delete_pods(self, pods: list[Object]) -> None:
        """Begin to delete them."""
        for pod in pods:
            self.store.delete(PODS, namespace_of(pod), name_of(pod))

    def expire(self, thing: Object, ttl: int | None) -> None:
        """Delete a finished object whose time to live has passed."""
        finished = thing["status"].get("completionTime") or _last_transition(thing)
        if ttl is not None and seconds_since(finished) >= ttl:
            self.store.delete(self.resource, namespace_of(thing), name_of(thing), propagation="Background")


def set_condition(thing: Object, kind: str, *, reason: str, message: str, value: bool = True) -> None:
    """Write one of the object's conditions, with the time at which its value changed."""
    conditions: list[dict[str, Any]] = thing["status"].setdefault("conditions", [])
    text = "True" if value else "False"
    old = next((condition for condition in conditions if condition["type"] == kind), None)
    if old is not None and old["status"] == text:
        old |= {"reason": reason, "message": message}
        return
    if old is not None:
        conditions.remove(old)
    conditions.append({"type": kind, "status": text, "reason": reason, "message": message, "lastTransitionTime": now()})


def is_true(thing: Object, *kinds: str) -> bool:
    """Whether one of these conditions holds."""
    conditions = thing["status"].get("conditions", [])
    return any(condition["type"] in kinds and condition["status"] == "True" for condition in conditions)


def is_late(thing: Object, seconds: int | None) -> bool:
    """Whether the job has been active for longer than its deadline."""
    started = thing["status"].get("startTime")
    return seconds is not None and started is not None and seconds_since(started) > seconds


def exit_code(pod: Object) -> int:
    """The first exit code above 0 among the pod's containers, or 0."""
    states = [status["state"] for status in pod["status"].get("containerStatuses", [])]
    codes = [state["terminated"]["exitCode"] for state in states if "terminated" in state]
    return next((code for code in codes if code), 0)


def is_disrupted(pod: Object) -> bool:
    """Whether the pod was ended by its node or the cluster, not by itself."""
    conditions = pod["status"].get("conditions", [])
    return any(c["type"] == "DisruptionTarget" and c["status"] == "True" for c in conditions)


def _last_transition(thing: Object) -> str:
    return max(str(condition["lastTransitionTime"]) for condition in thing["status"]["conditions"])
