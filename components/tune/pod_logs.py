"""The logs of trials' pods, each followed from its first line to its last, and kept where the trial's files lie."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Final

from kubernetes import client

from intclass.components.shared import storage
from intclass.components.shared.kube import Connection
from intclass.components.shared.kube.logs import LogFollower

_LAST_WORDS_SECONDS: Final = 10.0
_JOB_LABELS: Final = ("batch.kubernetes.io/job-name", "training.kubeflow.org/job-name")


class PodLogs:
    """The logs of pods with some labels, by the job that each pod belongs to.

    `container` is the one that trains, `folder_of` says where the files of a job's trial lie: `log-POD.txt` is written
    there when the pod has ended.
    """

    def __init__(
        self, connection: Connection, selector: str, *, container: str, folder_of: Callable[[str], str | None]
    ) -> None:
        self._connection, self._selector, self._container = connection, selector, container
        self._folder_of = folder_of
        self._core = client.CoreV1Api(connection.client)
        self._logs: dict[str, _PodLog] = {}
        self.pods: dict[str, list[client.V1Pod]] = {}

    def look(self) -> None:
        """List the pods, begin to follow those that have started, keep the logs of those that have ended."""
        namespace = self._connection.namespace
        listed = self._connection.ask(lambda: self._core.list_namespaced_pod(namespace, label_selector=self._selector))
        self.pods = {}
        for pod in sorted(listed.items, key=lambda pod: pod.metadata.creation_timestamp):
            self.pods.setdefault(job_of(pod), []).append(pod)
            if pod.metadata.uid not in self._logs and _has_started(pod, self._container):
                log = _PodLog(self._connection, pod, self._container)
                self._logs[pod.metadata.uid] = log
                log.follower.start()
        for log in self._logs.values():
            if not log.follower.is_alive():
                self._keep(log)

    def lines(self, job: str) -> dict[str, list[str]]:
        """What each of the job's pods has printed until now, by their uids."""
        return {uid: log.lines for uid, log in self._logs.items() if job_of(log.pod) == job}

    def finish(self, jobs: Iterable[str] | None = None) -> None:
        """Wait for the last lines of the jobs' pods, or of all, and keep their logs."""
        for log in self._logs.values():
            if jobs is None or job_of(log.pod) in jobs:
                log.follower.finish(seconds=_LAST_WORDS_SECONDS)
                self._keep(log)

    def _keep(self, log: _PodLog) -> None:
        folder, lines = self._folder_of(job_of(log.pod)), log.lines
        if folder is None or log.kept == len(lines):
            return
        log.kept = len(lines)
        text = "".join(f"{line}\n" for line in lines)
        storage.write_text(storage.join(folder, f"log-{log.pod.metadata.name}.txt"), text)


class _PodLog:
    """The log of one pod, as far as it has come."""

    def __init__(self, connection: Connection, pod: client.V1Pod, container: str) -> None:
        self.pod, self.kept = pod, 0
        self._text = io.StringIO()
        self.follower = LogFollower(connection, pod, container, self._text)

    @property
    def lines(self) -> list[str]:
        return self._text.getvalue().split("\n")[:-1]


def job_of(pod: client.V1Pod) -> str:
    """The name of the job that the pod belongs to."""
    labels = pod.metadata.labels or {}
    return next((labels[label] for label in _JOB_LABELS if label in labels), "")


def _has_started(pod: client.V1Pod, container: str) -> bool:
    statuses = [each for each in pod.status.container_statuses or [] if each.name == container]
    return any(each.state.running or each.state.terminated for each in statuses)
