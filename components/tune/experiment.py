"""Following an Experiment on a cluster: made once, whoever restarts this step, with a live table, gone with its run."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, StorageError
from intclass.components.shared.kube import (
    EXPERIMENT,
    TRIAL,
    ChildJob,
    Connection,
    Identity,
    connect,
    own_run,
    run_to_end,
)
from intclass.components.tune.config import ClusterConfig, TuneConfig
from intclass.components.tune.importance import importances_of
from intclass.components.tune.live import LiveTable
from intclass.components.tune.metrics import numbers_in
from intclass.components.tune.results import COMPLETE, Outcome, Trial
from intclass.components.tune.space import SearchSpace

if TYPE_CHECKING:
    from intclass.components.shared.kube.objects import Job
    from intclass.components.tune.pod_logs import PodLogs

TASK: Final = "tune"
LONGEST_NAME: Final = 40  # that Katib takes for an Experiment
EXPERIMENT_LABEL: Final = "katib.kubeflow.org/experiment"
_STATES: Final = {
    "Succeeded": COMPLETE,
    "EarlyStopped": "pruned",
    "Failed": "failed",
    "Killed": "failed",
    "MetricsUnavailable": "failed",
}


def follow_experiment(
    dataset: str | Path,
    out: str | Path,
    space: SearchSpace,
    config: TuneConfig,
    *,
    base: FinetuneConfig,
    cluster: ClusterConfig,
    run: str = "",
) -> Outcome:
    """Create the Experiment, or find it again, follow it to its end, and return all its trials.

    Raises ConfigError for what Katib cannot do, ClusterError if the cluster refuses it or it fails.
    """
    for folder in (str(dataset), str(out)):
        if not storage.is_remote(folder) and "://" in folder:
            raise ConfigError(f"{folder}: the trials read and write gs://; give Kubeflow a pipeline root on gs://")
    with contextlib.closing(connect(cluster.namespace or None)) as connection:
        found = run or own_run(connection)
        if not found:
            raise ConfigError("this is no step of a workflow; name the run that the Experiment belongs to with --run")
        child = experiment_job(space, base, config, cluster, dataset=str(dataset), out=str(out), run=found)
        logs = _pod_logs(connection, child, cluster, out=str(out))
        view = _View(connection, child.identity.name, space, config, base=base, logs=logs)

        def look(_: Job) -> None:
            logs.look()
            table.show(view.outcome)

        with LiveTable(child.model.spec.max_trial_count) as table:
            try:
                run_to_end(child, connection, seen=look)
            finally:
                logs.finish()
            table.show(view.outcome, now=True)
        outcome = view.outcome(curves_in=str(out))
        return replace(outcome, importances=importances_of(outcome.trials, outcome.space, outcome.goals[0]))


def _pod_logs(connection: Connection, child: ChildJob, cluster: ClusterConfig, *, out: str) -> PodLogs:
    """The logs of the trials' pods, which Katib deletes with each trial's end; kept beside the trial's model."""
    from intclass.components.tune.pod_logs import PodLogs
    from intclass.components.tune.template import CONTAINERS

    return PodLogs(
        connection,
        f"{EXPERIMENT_LABEL}={child.identity.name}",
        container=CONTAINERS[cluster.kind],
        folder_of=lambda trial: storage.join(out, "trials", trial) if trial else None,
    )


def experiment_job(
    space: SearchSpace,
    base: FinetuneConfig,
    config: TuneConfig,
    cluster: ClusterConfig,
    *,
    dataset: str,
    out: str,
    run: str,
) -> ChildJob:
    """The Experiment as a job of that run."""
    from intclass.components.tune.katib import katib_experiment

    identity = Identity(run, TASK, longest_name=LONGEST_NAME)
    labels = {**identity.labels, EXPERIMENT_LABEL: identity.name}
    model = katib_experiment(space, base, config, cluster, dataset=dataset, out=out, labels=labels)
    return ChildJob(kind=EXPERIMENT, identity=identity, model=model, leader=None)


class _View:
    """The trials of an Experiment, as a reader wants them."""

    def __init__(
        self,
        connection: Connection,
        name: str,
        space: SearchSpace,
        config: TuneConfig,
        *,
        base: FinetuneConfig,
        logs: PodLogs,
    ) -> None:
        from intclass.components.shared.kube.objects import Jobs
        from intclass.components.tune.katib import searched_space

        self._trials, self._name, self._logs = Jobs(connection, TRIAL), name, logs
        self._space, self._config = searched_space(space, base, config), config

    def outcome(self, *, curves_in: str = "") -> Outcome:
        """How the Experiment stands; with `curves_in` the trials' learning curves are read from their models there."""
        found = self._trials.labelled(f"{EXPERIMENT_LABEL}={self._name}")
        found.sort(key=lambda trial: (trial["metadata"]["creationTimestamp"], trial["metadata"]["name"]))
        stopped = "" if self._config.pruner == "none" else f", stopped early by {self._config.pruner}"
        return Outcome(
            title=f"Katib's {self._config.sampler}{stopped}",
            space=self._space,
            goals=self._config.goals,
            trials=[self._trial(number, trial, curves_in) for number, trial in enumerate(found)],
        )

    def _trial(self, number: int, trial: Mapping[str, Any], curves_in: str) -> Trial:
        from intclass.components.tune.encoding import decoded_point

        goals, status = self._config.goals, trial.get("status", {})
        assigned = {each["name"]: each["value"] for each in trial["spec"].get("parameterAssignments", [])}
        metrics = _metrics(
            status, maximized={goal.name for goal in goals if goal.maximize}, goals=[g.name for g in goals]
        )
        state, reason = _state(status)
        complete = state == COMPLETE and all(goal.name in metrics for goal in goals)
        started, ended = _time(status.get("startTime")), _time(status.get("completionTime"))
        return Trial(
            number=number,
            state="failed" if state == COMPLETE and not complete else state,
            point=decoded_point(assigned, self._space),
            values=[metrics[goal.name] for goal in goals] if complete else None,
            curve=self._heard(trial["metadata"]["name"]) | _curve(curves_in, trial["metadata"]["name"], goals[0].name),
            metrics=metrics,
            started=started,
            seconds=max(0.0, ended - started) if ended else 0.0,
            error=reason if state == "failed" else "",
        )

    def _heard(self, trial: str) -> dict[int, float]:
        """The first objective by epoch, as the trial's pods have printed it; a trial that was stopped has no more."""
        goal = self._config.goals[0].name
        lines = (line for lines in self._logs.lines(trial).values() for line in lines)
        rows = [row for row in map(numbers_in, lines) if "epoch" in row and goal in row]
        return {int(row["epoch"]): row[goal] for row in rows}


def _state(status: Mapping[str, Any]) -> tuple[str, str]:
    """The trial's state, and the reason of its last condition."""
    true = [each for each in status.get("conditions", []) if each["status"] == "True"]
    for condition in reversed(true):
        if condition["type"] in _STATES:
            return _STATES[condition["type"]], str(condition.get("message") or condition.get("reason", ""))
    return "running", ""


def _metrics(status: Mapping[str, Any], *, maximized: set[str], goals: list[str]) -> dict[str, float]:
    """Of an objective the best that was seen, of other metrics the last."""
    metrics = {}
    for metric in (status.get("observation") or {}).get("metrics", []):
        name = metric["name"]
        which = "latest" if name not in goals else "max" if name in maximized else "min"
        with contextlib.suppress(ValueError, KeyError):  # Katib writes `unavailable` where it saw no number
            metrics[name] = float(metric[which])
    return metrics


def _curve(out: str, name: str, metric: str) -> dict[int, float]:
    """The trial's metric by epoch, as far as its model's log has it."""
    if not out:
        return {}
    try:
        lines = storage.read_text(storage.join(out, "trials", name, "model", "training.jsonl")).splitlines()
    except StorageError:  # it has not come to its end
        return {}
    rows = [json.loads(line) for line in lines]
    return {int(row["epoch"]): float(row[metric]) for row in rows if "epoch" in row and metric in row}


def _time(text: str | None) -> float:
    return datetime.datetime.fromisoformat(text).timestamp() if text else 0.0
