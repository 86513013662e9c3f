"""Trials as Kubernetes Jobs: one driver, which may be killed, and whose next start finds them again by their names.

Everything that counts is in the study's folder, in a bucket: the journal, each trial's checkpoints and model. A Job is
trial N of its run by its name, belongs to the run by its owner and labels, and goes on without the driver.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from kubernetes.client.rest import ApiException

from intclass.components.shared import storage
from intclass.components.shared.command import EXIT_BAD_INPUT
from intclass.components.shared.errors import ClusterError, ConfigError
from intclass.components.shared.kube import JOB, ChildJob, Connection, Identity, connect, own_run
from intclass.components.shared.kube.child import job_body
from intclass.components.shared.kube.connection import describe, is_quota_refusal
from intclass.components.shared.kube.identity import RUN_LABEL, run_label
from intclass.components.shared.kube.objects import Job, Jobs, explain
from intclass.components.shared.kube.workflow import find_workflow, is_stopping
from intclass.components.tune.config import ClusterConfig, TuneConfig
from intclass.components.tune.executor import Slot, shared_variables
from intclass.components.tune.locks import Lock
from intclass.components.tune.metrics import error_among
from intclass.components.tune.pod_logs import PodLogs
from intclass.components.tune.template import CONTAINER, QUEUE_LABEL, trial_job

STUDY_LABEL: Final = "intclass.github.io/study"
PARALLEL: Final = 4  # where nothing is said
_LOOK_SECONDS: Final = 2.0
_TTL_SECONDS: Final = 3600  # of the Job of a trial whose driver was killed before it could delete it
_PAUSE_SECONDS: Final = 0.5


@contextlib.contextmanager
def open_executor(
    dataset: str, out: str, config: TuneConfig, cluster: ClusterConfig, *, run: str = ""
) -> Iterator[JobExecutor]:
    """Jobs of that run, or of the Workflow that this pod is a step of, for the study in folder `out`.

    Raises ConfigError for options that Jobs cannot have and for a folder that the pods would not see, or that another
    driver works in; ClusterError if there is no cluster.
    """
    if cluster.kind != "job":
        raise ConfigError(f"kind is {cluster.kind!r}, which is for Katib's trials; this command's own are Jobs")
    for folder in (dataset, out):
        if not storage.is_remote(folder) and "://" in folder:
            raise ConfigError(f"{folder}: the trials read and write gs://; give Kubeflow a pipeline root on gs://")
    with contextlib.ExitStack() as stack:
        if not storage.is_remote(out):  # a disk that the pods share
            _refuse_second_driver(out, stack)
        connection = stack.enter_context(contextlib.closing(connect(cluster.namespace or None)))
        found = run or own_run(connection)
        if not found:
            raise ConfigError("this is no step of a workflow; name the run that the trials belong to with --run")
        yield JobExecutor(
            connection, found, out, cluster=cluster, parallel=config.parallel, restarts=config.max_restarts
        )


def _refuse_second_driver(out: str, stack: contextlib.ExitStack) -> None:
    Path(out).mkdir(parents=True, exist_ok=True)
    lock = Lock.acquire(Path(out) / "driver.lock")
    if lock is None:
        raise ConfigError(f"{out}: another driver is at work in this folder; wait for it")
    stack.enter_context(contextlib.closing(lock))


class JobExecutor:
    """Runs the trials of the study in folder `out` as Jobs of the run, so many at the same time."""

    step_seconds = _LOOK_SECONDS

    def __init__(
        self,
        connection: Connection,
        run: str,
        out: str,
        *,
        cluster: ClusterConfig,
        parallel: int,
        restarts: int,
    ) -> None:
        self.connection, self.run, self.out = connection, run, out
        self.cluster, self.restarts = cluster, restarts
        self.slots: list[Slot] = [shared_variables(out)] * (parallel or PARALLEL)
        self.jobs = Jobs(connection, JOB)
        self.workflow = find_workflow(connection, run)
        self.label = {STUDY_LABEL: run_label(out)}
        selector = ",".join(f"{key}={value}" for key, value in {RUN_LABEL: run_label(run), **self.label}.items())
        self._selector, self._told = selector, ""
        self._folders: dict[str, str] = {}
        self.logs = PodLogs(connection, selector, container=CONTAINER, folder_of=self._folders.get)
        self.found: Mapping[str, Job] = {}

    @property
    def leaves_running(self) -> bool:
        """Whether the run goes on without this process: its next attempt finds the Jobs again."""
        workflow = find_workflow(self.connection, self.run) if self.workflow else None
        return workflow is not None and not is_stopping(workflow)

    def look(self) -> None:
        """The study's Jobs and pods as they stand. Raises ClusterError if the cluster refuses or does not answer."""
        try:
            self.found = {job["metadata"]["name"]: job for job in self.jobs.labelled(self._selector)}
            self.logs.look()
        except ApiException as error:
            raise explain(error, f"Jobs of run {self.run}", self.connection.namespace) from error

    def tidy(self, ended: Mapping[int, str]) -> None:
        """Delete the Jobs of these trials; their logs are kept."""
        for number, folder in ended.items():
            trial = self.claim(number, folder)
            if trial.name in self.found:
                trial.keep_log()
                trial.close()

    def claim(self, number: int, folder: str) -> TrialJob:
        """The trial; no other driver of this study can be at work, which its journal sees to."""
        trial = TrialJob(self, Identity(self.run, f"trial{number}"), folder)
        self._folders[trial.name] = folder
        return trial

    def say(self, text: str) -> None:
        """One line, once."""
        if text != self._told:
            self._told = text
            sys.stderr.write(f"{text}\n")


class TrialJob:
    """One trial. What is known of its Job is what the executor has last seen, and what was done to it since."""

    def __init__(self, executor: JobExecutor, identity: Identity, folder: str) -> None:
        self.name, self.folder = identity.name, folder
        self._executor, self._identity = executor, identity
        self._read: dict[str, int] = {}

    def start(self, arguments: Sequence[str], environment: Slot) -> None:
        """Create the Job, when what is left of the one before is gone and the namespace's quota has room."""
        executor = self._executor
        if self._job is not None:
            self.kill()
        if executor.logs.pods.get(self.name):
            return  # a checkpoint has one writer
        labels = {**self._identity.labels, **executor.label}
        queue = {QUEUE_LABEL: executor.cluster.queue} if executor.cluster.queue else {}
        job = trial_job(
            executor.cluster,
            arguments,
            labels,
            variables=environment,
            restarts=executor.restarts,
            ttl_seconds=_TTL_SECONDS,
        )
        child = ChildJob(kind=JOB, identity=self._identity, model=job, labels={**queue, **executor.label})
        body = job_body(child, executor.connection, workflow=executor.workflow)
        try:
            created = executor.jobs.create(body)
        except ApiException as error:
            if not is_quota_refusal(error):
                raise explain(error, f"Job {self.name}", executor.connection.namespace) from error
            executor.say(f"waiting for quota: {describe(error)}")
            return
        if created is not None:
            executor.found = {**executor.found, self.name: created}
        else:
            self._refuse_another()

    @property
    def is_running(self) -> bool:
        """Whether the Job is there and has not ended; one that Kueue holds back has not."""
        return self._job is not None and not JOB.state_of(self._job).is_final

    @property
    def exit_code(self) -> int | None:
        """Of the training, as the Job's end tells it."""
        if self._job is None or self.is_running:
            return None
        if JOB.state_of(self._job).phase == "Succeeded":
            return 0
        codes = {
            status.state.terminated.exit_code
            for pod in self._executor.logs.pods.get(self.name, [])
            for status in pod.status.container_statuses or []
            if status.state.terminated
        }
        return EXIT_BAD_INPUT if EXIT_BAD_INPUT in codes else 1

    @property
    def given_up(self) -> str:
        """The reason of a Job that has failed: its controller has begun the training anew as often as it may."""
        if self._job is None:
            return ""
        state = JOB.state_of(self._job)
        return f"{state.reason}: {state.message}" if state.phase == "Failed" else ""

    def new_lines(self) -> Iterator[str]:
        """What its pods have printed since the last call; of a Job that has ended, to the last line."""
        self.keep_log()
        for pod, lines in self._executor.logs.lines(self.name).items():
            read = self._read.get(pod, 0)
            self._read[pod] = len(lines)
            yield from lines[read : self._read[pod]]

    def last_words(self) -> str:
        """The error that the last pod ended with, or its last line."""
        return error_among([line for lines in self._executor.logs.lines(self.name).values() for line in lines])

    def cpu_seconds(self) -> float:
        """Nothing: the cluster does not tell."""
        return 0.0

    def ask_to_end(self) -> None:
        """Delete the Job; its pods get SIGTERM, and their grace period to write a checkpoint."""
        job = self._job
        if job is not None:
            self._executor.jobs.delete(job)

    def kill(self) -> None:
        """Delete the Job; returns when it is gone."""
        self.ask_to_end()
        while self._is_there():
            time.sleep(_PAUSE_SECONDS)
        self._executor.found = {name: job for name, job in self._executor.found.items() if name != self.name}

    def wait(self, seconds: float) -> bool:
        """Wait until the Job is gone or has ended; whether it has."""
        end = time.monotonic() + seconds
        while self._is_there() and time.monotonic() < end:
            time.sleep(_PAUSE_SECONDS)
        return not self._is_there()

    def keep_log(self) -> None:
        """Of a Job that has ended, wait for the last lines and write them beside the trial's model."""
        if self._job is not None and not self.is_running:
            self._executor.logs.finish([self.name])

    def close(self) -> None:
        """Delete a Job that has ended, unless it is to be kept for a look."""
        job = self._job
        if job is not None and not self.is_running and not self._executor.cluster.retain:
            self._executor.jobs.delete(job)

    @property
    def _job(self) -> Job | None:
        job = self._executor.found.get(self.name)
        return None if job is None or "deletionTimestamp" in job["metadata"] else job

    def _is_there(self) -> bool:
        found = self._executor.jobs.find(self.name)
        return found is not None and self._is_own(found)

    def _is_own(self, job: Job) -> bool:
        labels = job["metadata"].get("labels", {})
        return all(labels.get(key) == value for key, value in self._executor.label.items())

    def _refuse_another(self) -> None:
        """Raise ClusterError if the Job of this name, which could not be created, is not this study's."""
        found = self._executor.jobs.find(self.name)
        if found is not None and not self._is_own(found):
            run = self._executor.run
            raise ClusterError(
                f"Job {self.name} is not of the study {self._executor.out}; delete it with "
                f"`intclass reap {run}`, or choose another run name"
            )
