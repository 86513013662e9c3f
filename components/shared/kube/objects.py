"""The calls that child jobs and other objects of ours need, each with patience."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubernetes import client, watch
from kubernetes.client.rest import ApiException

from intclass.components.shared.errors import ClusterError
from intclass.components.shared.kube.connection import CONFLICT, GONE, NOT_FOUND, Connection, describe, is_passing
from intclass.components.shared.kube.kinds import ObjectKind

Job = dict[str, Any]


class Jobs:
    """The objects of one kind in the connection's namespace."""

    def __init__(self, connection: Connection, kind: ObjectKind) -> None:
        self.connection, self.kind = connection, kind
        self._custom = client.CustomObjectsApi(connection.client)
        self._place = (kind.group, kind.version, connection.namespace, kind.plural)

    def create(self, body: Mapping[str, Any]) -> Job | None:
        """The new job, or None if one of that name is there already; raises ApiException for other refusals."""
        try:
            job: Job = self.connection.ask(lambda: self._custom.create_namespaced_custom_object(*self._place, body))
        except ApiException as error:
            if error.status == CONFLICT:
                return None
            raise
        return job

    def find(self, name: str) -> Job | None:
        """The job, or None."""
        try:
            job: Job = self.connection.ask(lambda: self._custom.get_namespaced_custom_object(*self._place, name))
        except ApiException as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return job

    def update(self, name: str, change: Callable[[Job], Job]) -> Job:
        """Write what `change` makes of the present object; made anew from a newer one if somebody else was faster.

        Raises ApiException for refusals, one of 404 if there is no such object.
        """
        end = time.monotonic() + self.connection.patience.seconds
        while True:
            try:
                return self._replace(name, change)
            except ApiException as error:
                if error.status != CONFLICT or time.monotonic() > end:
                    raise
                self._pause(error)

    def labelled(self, selector: str) -> list[Job]:
        """The jobs with such labels."""
        listed = self.connection.ask(
            lambda: self._custom.list_namespaced_custom_object(*self._place, label_selector=selector)
        )
        return list(listed["items"])

    def delete(self, job: Job) -> None:
        """Delete this very job and all that it owns; nothing happens if it is gone, or another has its name."""
        meta = job["metadata"]
        options = client.V1DeleteOptions(
            propagation_policy="Background", preconditions=client.V1Preconditions(uid=meta["uid"])
        )
        try:
            self.connection.ask(
                lambda: self._custom.delete_namespaced_custom_object(*self._place, meta["name"], body=options)
            )
        except ApiException as error:
            if error.status not in (NOT_FOUND, CONFLICT):
                raise

    def states(self, name: str, *, every: float) -> Iterator[Job]:
        """The job now, after each change, and at least every so many seconds; survives what a watch can meet.

        Raises ClusterError if the job is deleted.
        """
        while True:
            job, version = self._listed(name)
            yield job
            try:
                while True:
                    for event in self._watch(name, version, seconds=every):
                        if event["type"] == "DELETED":
                            raise self._deleted(name)
                        job = event["object"]
                        version = job["metadata"]["resourceVersion"]
                        yield job
                    yield job
            except ApiException as error:
                if error.status == GONE:  # the server has forgotten our version: begin anew with a list
                    continue
                if not is_passing(error):
                    raise
                self._pause(error)
            except Exception as error:
                if not is_passing(error):
                    raise
                self._pause(error)

    def _listed(self, name: str) -> tuple[Job, str]:
        """The job and the version from which a watch may begin, which is the list's: the job's own may be too old."""
        selector = f"metadata.name={name}"
        listed = self.connection.ask(
            lambda: self._custom.list_namespaced_custom_object(*self._place, field_selector=selector)
        )
        if not listed["items"]:
            raise self._deleted(name)
        return listed["items"][0], listed["metadata"]["resourceVersion"]

    def _watch(self, name: str, version: str, *, seconds: float) -> Iterator[Mapping[str, Any]]:
        events: Iterator[Mapping[str, Any]] = watch.Watch().stream(
            self._custom.list_namespaced_custom_object,
            *self._place,
            field_selector=f"metadata.name={name}",
            resource_version=version,
            timeout_seconds=max(1, round(seconds)),
        )
        return events

    def _replace(self, name: str, change: Callable[[Job], Job]) -> Job:
        found = self.connection.ask(lambda: self._custom.get_namespaced_custom_object(*self._place, name))
        body = change(found)
        replaced: Job = self.connection.ask(
            lambda: self._custom.replace_namespaced_custom_object(*self._place, name, body)
        )
        return replaced

    def _pause(self, error: Exception) -> None:
        self.connection.note_trouble(error)
        time.sleep(self.connection.patience.first_pause)

    def _deleted(self, name: str) -> ClusterError:
        return ClusterError(f"{self.kind.kind} {name} was deleted while it was being followed")


def explain(error: ApiException, what: str, namespace: str) -> ClusterError:
    """A refusal as a user's error with the way out."""
    ways = {
        403: "give the pod's service account the Role in manifests/base",
        404: "install its CustomResourceDefinition, or choose another launcher",
        422: "the specification does not fit this version of the CustomResourceDefinition",
    }
    way = f"; {ways[error.status]}" if error.status in ways else ""
    return ClusterError(f"{what} in namespace {namespace}: {describe(error)}{way}")
