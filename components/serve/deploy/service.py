"""One InferenceService: what it is, what it is to be, and whether it has become that."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TextIO

from kubernetes import client

from intclass.components.serve.deploy.manifests import SERVICE_LABEL, SPECIFICATION_LABEL, Object, digest_of
from intclass.components.shared.errors import ClusterError
from intclass.components.shared.kube.connection import Connection
from intclass.components.shared.kube.kinds import INFERENCE_SERVICE
from intclass.components.shared.kube.objects import Jobs
from intclass.components.shared.kube.pods import Pods

_REVISION_LABEL: Final = "serving.knative.dev/revision"
_MOST_FAILURES: Final = 3  # of its containers; the first may be an accident, such as a bucket that did not answer
_HOPELESS: Final = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "ErrImageNeverPull", "ImagePullBackOff", "InvalidImageName"}
)


class Service:
    """The InferenceService of one name; what becomes of it and its pods is told to `stream`."""

    def __init__(self, connection: Connection, name: str, *, stream: TextIO, poll_seconds: float) -> None:
        self.connection, self.name = connection, name
        self._stream, self._poll_seconds = stream, poll_seconds
        self._objects = Jobs(connection, INFERENCE_SERVICE)
        self._core = client.CoreV1Api(connection.client)

    def say(self, text: str) -> None:
        """One line of progress."""
        self._stream.write(f"{self.name}: {text}\n")
        self._stream.flush()

    def find(self) -> Object | None:
        """The object, or None."""
        return self._objects.find(self.name)

    def put(self, body: Object) -> None:
        """Create it, or write specification, labels and annotations over the present ones."""
        if self._objects.create(body) is None:
            self._objects.update(self.name, lambda found: _laid_over(found, body))

    def delete(self) -> None:
        """Delete it with its pods, if it is there."""
        found = self.find()
        if found is not None:
            self._objects.delete(found)

    def wait(self, body: Object, *, seconds: float, percent: int = 100) -> Object:
        """The object, as soon as pods of this specification serve alone or, with Knative, so much of the traffic.

        Raises ClusterError with what is wrong with the pods if they cannot get ready, or do not in time.
        """
        digest, end = digest_of(body), time.monotonic() + seconds
        selector = f"{self.selector},{SPECIFICATION_LABEL}={digest}"
        told = Pods(self.connection, job=self.name, selector=selector, leader=None, stream=self._stream)
        for current in self._objects.states(self.name, every=self._poll_seconds):
            told.look()
            pods = self.pods()
            if is_ready(current) and _is_rolled_out(current, pods, body, percent=percent):
                return current
            hopeless = _hopeless(current, [pod for pod in pods if _digest(pod) == digest])
            if hopeless or len(told.failures) >= _MOST_FAILURES or time.monotonic() > end:
                causes = hopeless or [str(failure) for failure in told.failures[-_MOST_FAILURES:]] or told.states
                raise ClusterError(self._verdict(current, causes, seconds=seconds))
        raise AssertionError("the states of an object never end")

    def wait_until(self, condition: Callable[[Object], bool], *, seconds: float) -> Object:
        """The object as soon as the condition holds, whatever its pods do; raises ClusterError if it does not."""
        end = time.monotonic() + seconds
        for current in self._objects.states(self.name, every=self._poll_seconds):
            if "status" in current and condition(current):
                return current
            if time.monotonic() > end:
                raise ClusterError(self._verdict(current, [], seconds=seconds))
        raise AssertionError("the states of an object never end")

    def pods(self) -> list[Any]:
        """Its pods that are not being deleted."""
        listed = self.connection.ask(
            lambda: self._core.list_namespaced_pod(self.connection.namespace, label_selector=self.selector)
        )
        return [pod for pod in listed.items if not pod.metadata.deletion_timestamp]

    @property
    def selector(self) -> str:
        """The label of its pods."""
        return f"{SERVICE_LABEL}={self.name}"

    def _verdict(self, current: Object, causes: Sequence[str], *, seconds: float) -> str:
        failure = current.get("status", {}).get("modelStatus", {}).get("lastFailureInfo", {})
        said = [text for text in (failure.get("reason"), failure.get("message")) if text]
        unready = [f"{c['type']} is {c['status']}{_because(c)}" for c in _conditions(current) if c["status"] != "True"]
        why = "; ".join([*causes, *said] or unready or ["KServe has not touched it: is its controller running?"])
        command = f"kubectl -n {self.connection.namespace} describe inferenceservice {self.name}"
        return f"InferenceService {self.name} did not get ready (waiting at most {seconds:.0f} s): {why} ({command})"


def _laid_over(found: Object, body: Object) -> Object:
    meta = dict(found["metadata"])
    for name in ("labels", "annotations"):
        meta[name] = {**(meta.get(name) or {}), **body["metadata"].get(name, {})}
    return {**found, "metadata": meta, "spec": body["spec"]}


def _is_rolled_out(current: Object, pods: Sequence[Any], body: Object, *, percent: int) -> bool:
    """Whether the pods are those of the specification: KServe's own `Ready` may still be that of the old ones."""
    ready = [pod for pod in pods if _digest(pod) == digest_of(body) and _pod_is_ready(pod)]
    component = current["status"].get("components", {}).get("predictor", {})
    latest = component.get("latestReadyRevision")
    if latest is None:
        old = [pod for pod in pods if _digest(pod) != digest_of(body)]
        return not old and len(ready) >= body["spec"]["predictor"]["minReplicas"]
    is_latest = latest == component.get("latestCreatedRevision")
    is_ours = any(pod.metadata.labels.get(_REVISION_LABEL) == latest for pod in ready)
    return is_latest and is_ours and traffic_of(current, latest) == percent


def traffic_of(service: Object, revision: str) -> int:
    """Percent of the traffic that goes to a Knative revision."""
    targets = service["status"].get("components", {}).get("predictor", {}).get("traffic", [])
    return sum(target.get("percent", 0) for target in targets if target.get("revisionName") == revision)


def _hopeless(current: Object, pods: Sequence[Any]) -> list[str]:
    """What will not pass by waiting."""
    model = current.get("status", {}).get("modelStatus", {})
    causes = ["the specification is invalid"] if model.get("transitionStatus") == "InvalidSpec" else []
    for pod in pods:
        statuses = [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]
        waiting = [status.state.waiting for status in statuses if status.state and status.state.waiting]
        causes += [f"{pod.metadata.name} {why.reason}: {why.message}" for why in waiting if why.reason in _HOPELESS]
    return causes


def is_ready(current: Object) -> bool:
    """Whether KServe calls it ready."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in _conditions(current))


def _conditions(current: Object) -> list[Object]:
    conditions: list[Object] = current.get("status", {}).get("conditions", [])
    return conditions


def _because(condition: Object) -> str:
    reason = ": ".join(filter(None, (condition.get("reason"), condition.get("message"))))
    return f" ({reason})" if reason else ""


def _digest(pod: Any) -> str:  # noqa: ANN401 - the client has no types
    return str((pod.metadata.labels or {}).get(SPECIFICATION_LABEL, ""))


def _pod_is_ready(pod: Any) -> bool:  # noqa: ANN401
    return any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions or [])
