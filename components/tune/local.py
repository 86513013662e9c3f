"""A study on this machine, as a reader wants it."""

from __future__ import annotations

from typing import Final

from optuna.trial import FrozenTrial, TrialState

from intclass.components.tune.importance import importances_of
from intclass.components.tune.results import COMPLETE, Outcome, Trial
from intclass.components.tune.study import Study

_STATES: Final = {
    TrialState.COMPLETE: COMPLETE,
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


def outcome_of(study: Study, *, with_importances: bool = True) -> Outcome:
    """How the study stands."""
    rules = study.config
    trials = [_trial(each) for each in study.trials()]
    stopped = "" if rules.pruner == "none" else f", stopped early by {rules.pruner}"
    return Outcome(
        title=f"{rules.sampler}{stopped}",
        space=study.space,
        goals=study.goals,
        trials=trials,
        importances=importances_of(trials, study.space, study.goals[0]) if with_importances else {},
    )


def _trial(trial: FrozenTrial) -> Trial:
    notes = trial.user_attrs
    started = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
    ended = notes.get("ended", started)
    cpu = {"cpu_seconds": notes["cpu_seconds"]} if "cpu_seconds" in notes else {}
    return Trial(
        number=trial.number,
        state=_STATES[trial.state],
        point=trial.params,
        values=trial.values,
        curve=dict(sorted(trial.intermediate_values.items())),
        metrics={**notes.get("metrics", {}), **cpu},
        started=started,
        seconds=max(0.0, ended - started),
        error=notes.get("error", ""),
        parent=notes.get("parent"),
    )
