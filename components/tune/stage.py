"""The stage: a dataset and a search space in, the best options of finetune out, with every trial and a report."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.manifest import Manifest, is_complete, read_manifest, write_manifest
from intclass.components.shared.storage import is_remote
from intclass.components.tune.config import ClusterConfig, TuneConfig
from intclass.components.tune.executor import TOKENS, shared_variables
from intclass.components.tune.results import COMPLETE, Outcome, keep_best_models, write_results
from intclass.components.tune.space import SearchSpace

if TYPE_CHECKING:
    from intclass.components.tune.executor import Executor
    from intclass.components.tune.study import Study

_BASE: Final = FinetuneConfig()
_RULES: Final = TuneConfig()
_CLUSTER: Final = ClusterConfig()
# No part of what was made.
_UNFINISHED: Final = ("trials", TOKENS, "driver.lock", "study.lock", "study.log", "study.log.lock")


def tune(
    dataset: str | Path,
    out: str | Path,
    space: SearchSpace,
    config: TuneConfig = _RULES,
    *,
    base: FinetuneConfig = _BASE,
    cluster: ClusterConfig = _CLUSTER,
    run: str = "",
) -> Manifest:
    """Search for the options of finetune that do best on the dataset; `base` are those that are not searched.

    Writes `best.json`, `trials.parquet`, `trials.csv`, `report.html` and the manifest, whose `stats` hold the best
    objectives. A study that was interrupted goes on when it is called again with the same folder; on Kubernetes `run`
    names the run that the Experiment belongs to (empty: the Workflow that this pod is a step of).

    Raises ConfigError if the options make no sense or too many trials fail, ClusterError if Kubernetes refuses the
    Experiment or it fails.
    """
    space.check(base)
    if config.launcher == "kubernetes":
        from intclass.components.tune.experiment import follow_experiment

        outcome = follow_experiment(dataset, out, space, config, base=base, cluster=cluster, run=run)
        return _finish(outcome, out, dataset=dataset, space=space, config=config, base=base)
    if config.executor == "kubernetes":
        from intclass.components.tune.jobs import open_executor

        with open_executor(str(dataset), str(out), config, cluster, run=run) as executor:
            return _drive(str(dataset), str(out), space, config, base=base, executor=executor)
    if is_remote(out):
        raise ConfigError(f"{out}: a study on this machine needs a folder of it; give --out DIR")
    from intclass.components.tune.process import TRAINING, ProcessExecutor, load_once
    from intclass.components.tune.slots import make_slots

    load_once(TRAINING)
    here = ProcessExecutor(make_slots(config), shared_variables(str(Path(out).absolute())))
    return _drive(str(dataset), str(out), space, config, base=base, executor=here)


def _drive(
    dataset: str, out: str, space: SearchSpace, config: TuneConfig, *, base: FinetuneConfig, executor: Executor
) -> Manifest:
    """Run the study, or what is left of it, and write what came out."""
    from intclass.components.tune.driver import Driver
    from intclass.components.tune.live import LiveTable
    from intclass.components.tune.local import outcome_of
    from intclass.components.tune.study import TRIALS, Study

    study = Study(out, space, base, config, dataset=dataset)
    driver = Driver(study, executor)
    look = partial(outcome_of, study, with_importances=False)
    try:
        with LiveTable(study.total) as table:
            driver.run(lambda: table.show(look))
            table.show(look, now=True)
    finally:
        _write_if_any(study, out)
    outcome = outcome_of(study)
    manifest = _finish(outcome, out, dataset=dataset, space=space, config=config, base=base)
    if not config.keep_models:
        keep_best_models(outcome, storage.join(out, TRIALS))
    return manifest


def _write_if_any(study: Study, out: str) -> None:
    """The report of a study that was interrupted or failed shows how far it came."""
    from intclass.components.tune.local import outcome_of
    from intclass.components.tune.report import render_report

    outcome = outcome_of(study)
    if outcome.complete:
        write_results(outcome, study.base, out, report=render_report(outcome, dataset=study.dataset))


def _finish(
    outcome: Outcome,
    out: str | Path,
    *,
    dataset: str | Path,
    space: SearchSpace,
    config: TuneConfig,
    base: FinetuneConfig,
) -> Manifest:
    from intclass.components.tune.report import render_report

    best = outcome.best  # says so if there is none
    write_results(outcome, base, out, report=render_report(outcome, dataset=str(dataset)))
    storage.delete(storage.join(out, TOKENS))
    assert best.values is not None
    states = [trial.state for trial in outcome.trials]
    return write_manifest(
        out,
        "tune",
        config={"space": space.to_json(), "finetune": asdict(base), **asdict(config)},
        inputs={"dataset": read_manifest(dataset).fingerprint} if is_complete(dataset) else {},
        counts={"trials": len(states), COMPLETE: states.count(COMPLETE), "best_trial": best.number},
        stats={
            **dict(zip(config.objectives, best.values, strict=True)),
            "seconds": sum(trial.seconds for trial in outcome.trials),
        },
        ignore=_UNFINISHED,
    )
