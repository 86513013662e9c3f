"""A job that a step starts and follows to its end: made once, whoever restarts the step, and gone with its run."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TextIO

from kubernetes.client.rest import ApiException

from intclass.components.shared.errors import ClusterError
from intclass.components.shared.kube.connection import Connection, describe, is_quota_refusal
from intclass.components.shared.kube.identity import Identity
from intclass.components.shared.kube.kinds import JobKind, JobState
from intclass.components.shared.kube.objects import Job, Jobs, explain
from intclass.components.shared.kube.pods import Pods
from intclass.components.shared.kube.termination import TerminatedError, sigterm_raised
from intclass.components.shared.kube.workflow import find_workflow, is_stopping, owner_reference
from intclass.components.shared.signals import EXIT_TERMINATED

_DIGEST: Final = "intclass.github.io/specification"


@dataclass(frozen=True, kw_only=True)
class ChildJob:
    """What is to be started.

    Attributes:
        kind: Which kind of job `model` is.
        identity: Run and task; name, labels and owner follow from it.
        model: The job as a model of the official clients, its metadata left out.
        leader: The labels of the pod whose log is followed: the one of rank 0. None follows no log.
        labels: Of the job, beside those of its identity, such as the queue that it waits in.
    """

    kind: JobKind
    identity: Identity
    model: Any
    leader: Mapping[str, str] | None = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def run_to_end(
    child: ChildJob,
    connection: Connection,
    *,
    stream: TextIO | None = None,
    poll_seconds: float = 5.0,
    admission_seconds: float = 3600.0,
    stuck_seconds: float = 60.0,
    seen: Callable[[Job], None] = lambda job: None,
) -> JobState:
    """Create the job, or find the one that an earlier attempt of this step has made, and follow it until it succeeds.

    The leader's log and what becomes of the pods go to `stream` (stdout) as they happen. The pods are looked at every
    `poll_seconds`. An exceeded quota is waited for during `admission_seconds`; a failed pod that its controller has not
    replaced within `stuck_seconds` is the end of a job that cannot go on without it. `seen` is called with the job as
    it stands, at least every `poll_seconds`. On SIGTERM or Ctrl-C the job is deleted, unless its run goes on, as when
    only this pod is moved; then the step's next attempt finds the job again.

    Raises ClusterError, with the pod's reason and last line, if the job fails, is deleted or refused, or the cluster
    does not answer. Exits with 143 after SIGTERM.
    """
    launch = _Launch(child, connection, stream or sys.stdout)
    try:
        with sigterm_raised():
            job = launch.attach(admission_seconds)
            return launch.follow(job, poll_seconds, stuck_seconds, seen)
    except (TerminatedError, KeyboardInterrupt):
        launch.abandon()
        raise SystemExit(EXIT_TERMINATED) from None
    except ApiException as error:
        raise explain(error, f"{child.kind.kind} {child.identity.name}", connection.namespace) from error
    finally:
        launch.pods.finish()


def job_body(child: ChildJob, connection: Connection, *, workflow: Mapping[str, Any] | None) -> Job:
    """The job as JSON: the model under its name, with labels, a digest of what it specifies, and its owner."""
    sanitize, kind = connection.client.sanitize_for_serialization, child.kind
    model = child.model
    specification = (model.to_dict() if hasattr(model, "model_dump") else sanitize(model))["spec"]
    digest = hashlib.sha256(json.dumps(specification, sort_keys=True).encode()).hexdigest()[:16]
    meta = {
        "name": child.identity.name,
        "labels": {**child.labels, **child.identity.labels},
        "annotations": {_DIGEST: digest},
    }
    if workflow is not None:
        meta["ownerReferences"] = [sanitize(owner_reference(workflow))]
    version = f"{kind.group}/{kind.version}"
    return {"apiVersion": version, "kind": kind.kind, "metadata": meta, "spec": specification}


class _Launch:
    def __init__(self, child: ChildJob, connection: Connection, stream: TextIO) -> None:
        self.child, self.connection = child, connection
        self.name, self.kind = child.identity.name, child.kind
        self.jobs = Jobs(connection, child.kind)
        self.pods = Pods(
            connection,
            job=self.name,
            selector=f"{self.kind.pod_label}={self.name}",
            leader=child.leader,
            stream=stream,
        )
        self.workflow = find_workflow(connection, child.identity.run)

    def attach(self, admission_seconds: float) -> Job:
        """The running job of this name, made now or before; one that has failed is replaced."""
        body = job_body(self.child, self.connection, workflow=self.workflow)
        deadline = time.monotonic() + admission_seconds
        while True:
            created = self._create(body, deadline)
            if created is not None:
                self.pods.say(f"{self.kind.kind} created in namespace {self.connection.namespace}")
                return created
            found = self.jobs.find(self.name)
            if found is None:
                continue
            if self._may_stay(found, body):
                self.pods.say(f"{self.kind.kind} found, from an earlier attempt of this step")
                return found
            self.jobs.delete(found)
            time.sleep(self.connection.patience.first_pause)

    def follow(self, job: Job, poll_seconds: float, stuck_seconds: float, seen: Callable[[Job], None]) -> JobState:
        """Tell what happens until the job has ended; raises ClusterError unless it ended well."""
        told = None
        for current in self.jobs.states(self.name, every=poll_seconds):
            state = self.kind.state_of(current)
            seen(current)
            self.pods.look()
            self.pods.warn(job["metadata"]["uid"])
            if state.phase != told:
                told = state.phase
                self.pods.say(f"{told.lower()}" + (f" ({state.message})" if state.message else ""))
            if not state.is_final and not self.kind.keeps_failed_pods and self.pods.failed_for > stuck_seconds:
                self.jobs.delete(job)  # its other pods would wait for the failed one until the deadline
                state = JobState("Failed", state.reason, f"a failed pod was not replaced within {stuck_seconds:.0f} s")
            if state.is_final:
                break
        self.pods.finish()
        if state.phase == "Failed":
            raise ClusterError(self._verdict(state))
        return state

    def abandon(self) -> None:
        """Delete the job, unless its run goes on without this process."""
        workflow = find_workflow(self.connection, self.child.identity.run) if self.workflow else None
        if workflow is not None and not is_stopping(workflow):
            self.pods.say("this step is being stopped, its run is not: the job stays for the next attempt")
            return
        found = self.jobs.find(self.name)
        if found is not None:
            self.jobs.delete(found)
            self.pods.say(f"{self.kind.kind} deleted, as its run is being stopped")

    def _create(self, body: Job, deadline: float) -> Job | None:
        while True:
            try:
                return self.jobs.create(body)
            except ApiException as error:
                if not is_quota_refusal(error) or time.monotonic() > deadline:
                    raise
                self.pods.say(f"waiting for quota: {describe(error)}")
                time.sleep(self.connection.patience.longest_pause)

    def _may_stay(self, found: Job, body: Job) -> bool:
        """Whether the step may go on with this job; raises ClusterError if it is alive but not the same work."""
        meta, state = found["metadata"], self.kind.state_of(found)
        if "deletionTimestamp" in meta or state.phase == "Failed":
            return False
        if meta.get("annotations", {}).get(_DIGEST) == body["metadata"]["annotations"][_DIGEST]:
            return True
        if state.is_final:
            return False
        raise ClusterError(
            f"{self.kind.kind} {self.name} runs already with another specification; "
            f"wait for it, delete it with `intclass reap {self.child.identity.run}`, or choose another run name"
        )

    def _verdict(self, state: JobState) -> str:
        causes = [str(failure) for failure in self.pods.failures[-3:]] or self.pods.warnings[-3:]
        told = [f"{self.kind.kind} {self.name} failed", state.message or state.reason, *causes]
        selector = f"{self.kind.pod_label}={self.name}"
        return "; ".join(told) + f" (kubectl -n {self.connection.namespace} logs -l {selector} --prefix)"
