"""The stage: functions in, outcomes out."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from intclass.components.integrate._balance import Balance
from intclass.components.integrate._crew import crew
from intclass.components.integrate._functions import Function, fingerprint_input, read_functions
from intclass.components.integrate._journal import Journal, open_journal
from intclass.components.integrate._plan import Outcome, label
from intclass.components.integrate._schedule import Scheduler, run_jobs
from intclass.components.integrate._steal import Steal
from intclass.components.integrate.config import IntegrateConfig
from intclass.components.shared import storage
from intclass.components.shared.failure import FAILURE_FILE
from intclass.components.shared.manifest import FILE_NAME, Manifest, is_complete, read_manifest, write_manifest
from intclass.components.shared.progress import Progress
from intclass.components.shared.records import LABELS, OUTCOMES, write_table

STAGE: Final = "integrate"
JOURNAL: Final = "journal"  # in the output folder, where no other is named

_SCHEDULERS: Final[Mapping[str, type[Scheduler[str, Outcome]]]] = {"balance": Balance, "steal": Steal}


def integrate(functions: str | Path, out: str | Path, config: IntegrateConfig) -> Manifest:
    """Label every function of the shard and write `outcomes.parquet` and the manifest into the folder `out`.

    One row for each distinct integrand, in the order of the input, also for one that cannot be read. Finished rows are
    journalled: after an interruption, the same call goes on where it stopped; after completion it returns at once.

    Args:
        functions: What generate wrote, or a Parquet, JSONL or CSV file with a column `integrand`.
        out: The folder, local or gs://.
        config: The options.

    Raises RecordsError or StorageError for the input, EngineUnavailableError for an engine that is not installed.
    """
    inputs = {"functions": fingerprint_input(functions)}
    finished = _finished(out, config, inputs)
    if finished is not None:
        return finished
    start = time.monotonic()
    distinct, duplicates = read_functions(functions)
    mine = distinct[config.shard :: config.num_shards]
    name = f"{STAGE}-{config.shard:05}-of-{config.num_shards:05}"
    with open_journal(config.journal or storage.join(out, JOURNAL), name) as journal:
        outcomes, steals = _label_all(mine, config, journal)
        rows = [{**function.origin(), **outcome} for function, outcome in zip(mine, outcomes, strict=True)]
        write_table(out, rows, OUTCOMES)
        storage.delete(storage.join(out, FAILURE_FILE))  # of an earlier attempt
        manifest = write_manifest(
            out,
            STAGE,
            config=config.record(),
            inputs=inputs,
            counts={"functions": len(rows), "duplicates": duplicates, **_counts(rows)},
            stats={
                "seconds": time.monotonic() - start,
                "workers": config.busy_workers,
                "scheduler": config.scheduler,
                "steals": steals,
                **_seconds(rows),
            },
            ignore=[JOURNAL],
        )
        if config.journal is None:
            journal.discard()
    return manifest


def _finished(out: str | Path, config: IntegrateConfig, inputs: Mapping[str, str]) -> Manifest | None:
    """The manifest of an earlier run of the same work; one of other work is removed, as it will be true no more."""
    if not is_complete(out):
        return None
    manifest = read_manifest(out)
    if (manifest.stage, manifest.config, manifest.inputs) == (STAGE, config.record(), inputs):
        if config.journal is None:
            storage.delete(storage.join(out, JOURNAL))  # of a run that was killed at its very last moment
        return manifest
    storage.delete(storage.join(out, FILE_NAME))
    return None


def _label_all(functions: list[Function], config: IntegrateConfig, journal: Journal) -> tuple[list[Outcome], int]:
    """The functions' outcomes, and how many were stolen; what is not in the journal is found out and added to it."""
    keys = [_key(function, config) for function in functions]
    outcomes: dict[str, Outcome] = {key: journal.entries[key] for key in keys if key in journal.entries}
    steals = 0
    with Progress(STAGE, total=len(functions)) as progress:
        progress.resume(len(outcomes), **Counter(outcome["label"] for outcome in outcomes.values()))
        missing = {key: function for key, function in zip(keys, functions, strict=True) if key not in outcomes}
        if missing:
            with crew(config) as (pool, plan):
                jobs = ((key, label(function, plan)) for key, function in missing.items())
                scheduler = _SCHEDULERS[config.scheduler](jobs, lanes=pool.size)
                for key, outcome in run_jobs(pool, scheduler):
                    journal.append(key, outcome)
                    outcomes[key] = outcome
                    progress.update(1, **{outcome["label"]: 1})
                steals = scheduler.steals
    return [outcomes[key] for key in keys], steals


def _key(function: Function, config: IntegrateConfig) -> str:
    """What the outcome depends on, as 32 hex digits."""
    known = [function.integrand, function.label, function.certificate, function.antiderivative]
    return hashlib.sha256(json.dumps([known, config.decisive()]).encode()).hexdigest()[:32]


def _counts(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Rows by label (`unknown`), by kind of reason (`unknown: timeout`), and answers by status (`sympy solved`)."""
    counts: Counter[str] = Counter(dict.fromkeys(LABELS, 0))
    details: Counter[str] = Counter()
    for row in rows:
        counts[row["label"]] += 1
        details[f"{row['label']}: {row['reason'].partition(':')[0]}"] += 1
        details.update(f"{answer['engine']} {answer['status']}" for answer in row["answers"])
    return {**counts, **dict(sorted(details.items()))}


def _seconds(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Worker seconds in all, and each engine's own."""
    seconds: Counter[str] = Counter()
    for row in rows:
        seconds["worker seconds"] += row["seconds"]
        for answer in row["answers"]:
            seconds[f"{answer['engine']} seconds"] += answer["seconds"]
    return dict(seconds)
