"""What a study leaves: the best options, a table of all trials, and the models worth keeping."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared import storage
from intclass.components.shared.errors import ClusterError, ConfigError
from intclass.components.shared.manifest import FILE_NAME as MANIFEST
from intclass.components.tune.objectives import Objective, pareto_front
from intclass.components.tune.space import SearchSpace, Value, configuration

BEST_NAME: Final = "best.json"
TABLE_NAME: Final = "trials"
REPORT_NAME: Final = "report.html"
COMPLETE: Final = "complete"
_SMALL_PARTS: Final = ("measured", "manifest.json", "training.jsonl")  # of a model, without its weights


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial, whoever ran it.

    Attributes:
        number: Counted from 0 in the order in which trials were proposed.
        state: complete, pruned, failed or running.
        point: What it tried.
        values: Its objectives, if it is complete.
        curve: The first objective after each epoch that was seen.
        metrics: Everything that is known of it, as numbers.
        started: Seconds since the epoch.
        seconds: From its proposal to its end.
        error: Why it failed.
        parent: The trial whose checkpoint it went on from.
    """

    number: int
    state: str
    point: Mapping[str, Value]
    values: Sequence[float] | None = None
    curve: Mapping[int, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    started: float = 0.0
    seconds: float = 0.0
    error: str = ""
    parent: int | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A study as a reader wants it, from Optuna or from Katib.

    Attributes:
        title: What was searched by whom.
        space: The search space.
        goals: The objectives.
        trials: All trials by number.
        importances: How much each parameter matters for the first objective; may be empty.
    """

    title: str
    space: SearchSpace
    goals: Sequence[Objective]
    trials: Sequence[Trial]
    importances: Mapping[str, float] = field(default_factory=dict)

    @property
    def complete(self) -> list[Trial]:
        """The trials that came to their end."""
        return [trial for trial in self.trials if trial.state == COMPLETE]

    @property
    def front(self) -> list[Trial]:
        """The complete trials that none beats in all objectives, best first."""
        keys = {trial.number: self._keys(trial) for trial in self.complete}
        by_number = {trial.number: trial for trial in self.trials}
        return [by_number[number] for number in pareto_front(keys)]

    @property
    def best(self) -> Trial:
        """The best trial by the first objective, then the others; raises ConfigError if none is complete."""
        if not self.complete:
            reasons = [trial.error for trial in self.trials if trial.error]
            raise ConfigError(f"no trial came to its end; the last failure: {reasons[-1] if reasons else 'none'}")
        return self.front[0]

    def _keys(self, trial: Trial) -> list[float]:
        assert trial.values is not None
        return [goal.key(value) for goal, value in zip(self.goals, trial.values, strict=True)]


def write_results(outcome: Outcome, base: FinetuneConfig, folder: str | Path, *, report: str) -> dict[str, Value]:
    """Write `best.json`, `trials.parquet`, `trials.csv` and `report.html`; returns the best trial's options."""
    table = trials_table(outcome)
    for name, write in (("parquet", pa.parquet.write_table), ("csv", pa.csv.write_csv)):
        buffer = pa.BufferOutputStream()
        write(table, buffer)
        storage.write_bytes(storage.join(folder, f"{TABLE_NAME}.{name}"), buffer.getvalue().to_pybytes())
    storage.write_text(storage.join(folder, REPORT_NAME), report)
    best = {**best_summary(outcome), "finetune": asdict(configuration(base, outcome.best.point))}
    storage.write_text(storage.join(folder, BEST_NAME), json.dumps(best, indent=2) + "\n")
    return dict(outcome.best.point)


def best_summary(outcome: Outcome) -> dict[str, Any]:
    """The best trial, and the Pareto front where there are several objectives, as plain values."""

    def plain(trial: Trial) -> dict[str, Any]:
        assert trial.values is not None
        values = dict(zip((goal.name for goal in outcome.goals), trial.values, strict=True))
        return {"trial": trial.number, "options": dict(trial.point), "values": values}

    front = {"pareto_front": [plain(trial) for trial in outcome.front]} if len(outcome.goals) > 1 else {}
    return {**plain(outcome.best), **front}


def read_best(folder: str | Path) -> dict[str, Value]:
    """The best options of a finished study; raises StorageError if there is no `best.json`, ClusterError for junk."""
    path = storage.join(folder, BEST_NAME)
    try:
        return dict(json.loads(storage.read_text(path))["options"])
    except (ValueError, KeyError, TypeError) as error:
        raise ClusterError(f"{path}: not what `intclass tune` writes: {error}") from error


def publish(out: str | Path, folder: str | Path, report: str | Path) -> None:
    """Copy a finished study's table, best options and manifest to another folder, and its report to a file."""
    for name in (f"{TABLE_NAME}.parquet", f"{TABLE_NAME}.csv", BEST_NAME, MANIFEST):
        if str(folder) != str(out):
            storage.write_bytes(storage.join(folder, name), storage.read_bytes(storage.join(out, name)))
    storage.write_bytes(report, storage.read_bytes(storage.join(out, REPORT_NAME)))


def trials_table(outcome: Outcome) -> pa.Table:
    """One row a trial: number, state, objectives, parameters (null where closed), epochs, seconds, error, parent."""
    rows = [_row(trial, outcome) for trial in outcome.trials]
    return pa.Table.from_pylist(rows, schema=_schema(outcome))


def _row(trial: Trial, outcome: Outcome) -> dict[str, Any]:
    values: Sequence[float | None] = trial.values or [None] * len(outcome.goals)
    return {
        "trial": trial.number,
        "state": trial.state,
        **dict(zip((goal.name for goal in outcome.goals), values, strict=True)),
        **{name: trial.point.get(name) for name in outcome.space.names},
        "last_epoch": max(trial.curve, default=None),
        "seconds": trial.seconds,
        "cpu_seconds": trial.metrics.get("cpu_seconds"),
        "parent": trial.parent,
        "error": trial.error or None,
    }


def _schema(outcome: Outcome) -> pa.Schema:
    kinds = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
    numbers = {"last_epoch": pa.int64(), "seconds": pa.float64(), "cpu_seconds": pa.float64(), "parent": pa.int64()}
    searched = {each.name: kinds[type(each.domain.ends[0])] for each in outcome.space.parameters}
    goals = {goal.name: pa.float64() for goal in outcome.goals}
    fixed = {"trial": pa.int64(), "state": pa.string()}
    return pa.schema(list({**fixed, **goals, **searched, **numbers, "error": pa.string()}.items()))


def keep_best_models(outcome: Outcome, folder: str | Path) -> None:
    """Delete the weights of trials that are not among the best; their logs and TensorBoard events stay."""
    kept = {trial.number for trial in outcome.front}
    for trial in outcome.complete:
        model = storage.join(folder, f"{trial.number:04}", "model")
        for file in storage.list_files(model) if trial.number not in kept else []:
            if storage.name_below(model, file).split("/")[0] not in _SMALL_PARTS:
                storage.delete(file)
