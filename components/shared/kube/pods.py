"""What the pods of a job are doing, told when it changes: waiting for a node, running, failed and with which words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TextIO

from kubernetes import client

from intclass.components.shared.kube.connection import Connection
from intclass.components.shared.kube.logs import LogFollower, last_lines

_TAIL_LINES: Final = 40
_LAST_WORDS_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Failure:
    """How a container ended, and the last line that it wrote."""

    pod: str
    text: str
    last_line: str

    def __str__(self) -> str:
        return f"{self.pod} {self.text}" + (f": {self.last_line}" if self.last_line else "")


class Pods:
    """The pods of one job, named in the output without the job's own name: `worker-1`.

    The log of the pod with the labels `leader` is followed; with None there is no such pod.
    """

    def __init__(
        self, connection: Connection, *, job: str, selector: str, leader: Mapping[str, str] | None, stream: TextIO
    ) -> None:
        self.failures: list[Failure] = []
        self._connection, self._job, self._selector, self._leader = connection, job, selector, leader
        self._stream = stream
        self._core = client.CoreV1Api(connection.client)
        self._told: dict[str, str] = {}
        self._failed: set[tuple[str, str, int]] = set()
        self._failed_since: dict[str, float] = {}
        self._follower: LogFollower | None = None
        self._warned: set[tuple[str, str]] = set()

    def look(self) -> None:
        """List the pods, tell what is new, begin to follow the leader's log, show the end of a failed one's."""
        namespace = self._connection.namespace
        listed = self._connection.ask(lambda: self._core.list_namespaced_pod(namespace, label_selector=self._selector))
        now = time.monotonic()
        lying = [pod for pod in listed.items if pod.status.phase == "Failed" and not pod.metadata.deletion_timestamp]
        failed = {pod.metadata.uid for pod in lying}
        self._failed_since = {uid: self._failed_since.get(uid, now) for uid in failed}
        for pod in listed.items:
            self._tell(pod)
            self._note_failures(pod)
        leaders = [pod for pod in listed.items if self._leads(pod)]
        if leaders:  # a Job keeps its failed pods beside those that replace them
            self._follow(max(leaders, key=lambda pod: (pod.metadata.creation_timestamp, pod.status.phase != "Failed")))

    def warn(self, uid: str) -> None:
        """Tell the warnings among the events of the object, each once."""
        namespace, selector = self._connection.namespace, f"involvedObject.uid={uid},type=Warning"
        listed = self._connection.ask(lambda: self._core.list_namespaced_event(namespace, field_selector=selector))
        for event in listed.items:
            if (event.reason, event.message) not in self._warned:
                self._warned.add((event.reason, event.message))
                self.say(f"{event.reason}: {event.message}")

    @property
    def failed_for(self) -> float:
        """For how many seconds a failed pod has lain there without being replaced; 0 if there is none."""
        return time.monotonic() - min(self._failed_since.values()) if self._failed_since else 0.0

    @property
    def states(self) -> list[str]:
        """What has last been told of each pod."""
        return [f"{self._short_name(name)} {line}" for name, line in sorted(self._told.items())]

    @property
    def warnings(self) -> list[str]:
        """What has been told of events."""
        return [message for _, message in sorted(self._warned)]

    def say(self, text: str) -> None:
        """One line about the job itself."""
        self._stream.write(f"{self._job}: {text}\n")
        self._stream.flush()

    def finish(self) -> None:
        """Wait for the leader's last words."""
        if self._follower is not None:
            self._follower.finish(seconds=_LAST_WORDS_SECONDS)

    def _tell(self, pod: client.V1Pod) -> None:
        line = _describe(pod)
        if self._told.get(pod.metadata.name) != line:
            self._told[pod.metadata.name] = line
            self.say(f"{self._short(pod)} {line}")

    def _note_failures(self, pod: client.V1Pod) -> None:
        for status in [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]:
            runs = ((status.state, status.restart_count), (status.last_state, status.restart_count - 1))
            for state, number in runs:
                ended = state and state.terminated
                key = (pod.metadata.uid, status.name, number)
                if ended and ended.exit_code and key not in self._failed:
                    self._failed.add(key)
                    self._show_failure(pod, status, ended)

    def _show_failure(
        self, pod: client.V1Pod, status: client.V1ContainerStatus, ended: client.V1ContainerStateTerminated
    ) -> None:
        why = f"exited with {ended.exit_code} ({pod.status.reason or ended.reason})"
        previous = ended is not status.state.terminated
        name = pod.metadata.name
        tail = last_lines(self._connection, name, status.name, lines=_TAIL_LINES, previous=previous)
        self.failures.append(Failure(self._short(pod), why, tail[-1] if tail else ""))
        if not self._leads(pod):  # whose log is here already
            self.say(f"{self._short(pod)} {why}; the end of its log:")
            self._stream.writelines(f"[{self._short(pod)}] {line}\n" for line in tail)

    def _leads(self, pod: client.V1Pod) -> bool:
        labels = pod.metadata.labels or {}
        return self._leader is not None and all(labels.get(key) == value for key, value in self._leader.items())

    def _follow(self, pod: client.V1Pod) -> None:
        followed = self._follower is not None and self._follower.pod.metadata.uid == pod.metadata.uid
        status = next(iter(pod.status.container_statuses or []), None)
        if followed or status is None or not (status.state.running or status.state.terminated):
            return
        self.finish()
        self._follower = LogFollower(self._connection, pod, status.name, self._stream)
        self._follower.start()

    def _short(self, pod: client.V1Pod) -> str:
        return self._short_name(pod.metadata.name)

    def _short_name(self, name: str) -> str:
        return name.removeprefix(f"{self._job}-")


def _describe(pod: client.V1Pod) -> str:
    """The pod's phase, and why it waits where it does."""
    unscheduled = [
        condition
        for condition in pod.status.conditions or []
        if condition.type == "PodScheduled" and condition.status == "False"
    ]
    statuses = [*(pod.status.init_container_statuses or []), *(pod.status.container_statuses or [])]
    waiting = [status.state.waiting for status in statuses if status.state and status.state.waiting]
    reasons = [f"{cause.reason}: {cause.message}" for cause in [*unscheduled, *waiting] if cause.message]
    phase = str(pod.status.phase).lower()
    return f"is {phase} ({'; '.join(reasons)})" if reasons else f"is {phase}"
