"""The study as one HTML file with everything in it, no network, no script."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import Any, Final

from markupsafe import Markup

from intclass.components.shared.manifest import program_version
from intclass.components.shared.page import page_environment, picture
from intclass.components.shared.phrases import UNDEFINED, count
from intclass.components.tune import charts
from intclass.components.tune.live import written
from intclass.components.tune.results import Outcome, Trial

MAX_ROWS: Final = 500
_FEW: Final = 2  # trials that a picture of several needs


def render_report(outcome: Outcome, *, dataset: str) -> str:
    """The page; raises ConfigError if no trial came to its end."""
    return (
        page_environment(__package__)
        .get_template("report.html.j2")
        .render(
            program=program_version(),
            dataset=dataset,
            title=outcome.title,
            headline=_headline(outcome),
            standfirst=_standfirst(outcome),
            numbers=_numbers(outcome),
            charts=_charts(outcome),
            best=_command(outcome.best, outcome),
            columns=[*(goal.label for goal in outcome.goals), *outcome.space.names],
            rows=[_row(trial, outcome) for trial in _best_first(outcome)[:MAX_ROWS]],
            left_out=max(0, len(outcome.trials) - MAX_ROWS),
            failures=[trial for trial in outcome.trials if trial.error],
            pareto=len(outcome.goals) > 1,
        )
    )


def _headline(outcome: Outcome) -> str:
    best, goal = outcome.best, outcome.goals[0]
    assert best.values is not None
    return f"Trial {best.number} is the best of {len(outcome.trials)}: {goal.label} {charts.short(best.values[0])}"


def _standfirst(outcome: Outcome) -> list[str]:
    goal, complete = outcome.goals[0], outcome.complete
    values = [trial.values[0] for trial in complete if trial.values]
    median = charts.short(statistics.median(values))
    middle = f"The median of the {len(complete)} trials that came to their end is {median}."
    stopped = sum(trial.state == "pruned" for trial in outcome.trials)
    spared = f" {stopped} did badly and were stopped early." if stopped else ""
    names = " and ".join(sorted(outcome.importances, key=lambda name: -outcome.importances[name])[:2])
    matter = f"What mattered most for the {goal.label}: {names}." if names else ""
    return [sentence for sentence in (middle + spared, matter) if sentence]


def _numbers(outcome: Outcome) -> list[dict[str, str]]:
    states = Counter(trial.state for trial in outcome.trials)
    epochs = sum(len(trial.curve) for trial in outcome.trials)
    best = outcome.best
    assert best.values is not None
    goals = zip(outcome.goals, best.values, strict=True)
    return [
        *({"title": goal.label, "value": charts.short(value), "note": f"trial {best.number}"} for goal, value in goals),
        {"title": "trials", "value": count(len(outcome.trials)), "note": _listed(states)},
        {"title": "epochs trained", "value": count(epochs), "note": "of all trials together"},
        {"title": "hours of trials", "value": _hours(outcome), "note": _cpu(outcome)},
    ]


def _listed(states: Counter[str]) -> str:
    return ", ".join(f"{number} {state}" for state, number in states.most_common())


def _hours(outcome: Outcome) -> str:
    return f"{sum(trial.seconds for trial in outcome.trials) / 3600:.2g}"


def _cpu(outcome: Outcome) -> str:
    spent = sum(trial.metrics.get("cpu_seconds", 0.0) for trial in outcome.trials)
    return f"{count(round(spent))} s on CPUs" if spent else "from the beginning to the end of each"


def _charts(outcome: Outcome) -> dict[str, Markup]:
    """The pictures by name, empty where there is not enough to show."""
    several = len(outcome.complete) >= _FEW
    made = {
        "history": charts.history_chart(outcome),
        "curves": charts.curves_chart(outcome) if any(trial.curve for trial in outcome.trials) else "",
        "coordinates": charts.coordinates_chart(outcome) if several else "",
        "importance": charts.importance_chart(outcome) if outcome.importances else "",
        "front": charts.front_chart(outcome) if len(outcome.goals) > 1 else "",
    }
    return {name: picture(drawing) for name, drawing in made.items()}


def _command(trial: Trial, outcome: Outcome) -> str:
    """The options of finetune with which the trial trained."""
    options = [f"--{name.replace('_', '-')} {trial.point[name]}" for name in outcome.space.names if name in trial.point]
    return "intclass finetune DATASET --out MODEL " + " ".join(options)


def _best_first(outcome: Outcome) -> list[Trial]:
    goal = outcome.goals[0]

    def place(trial: Trial) -> tuple[bool, bool, float]:
        value = charts.last_value(trial)
        return trial.values is None, value is None, goal.key(value) if value is not None else 0.0

    return sorted(outcome.trials, key=place)


def _row(trial: Trial, outcome: Outcome) -> dict[str, Any]:
    value = charts.last_value(trial)
    values = trial.values or ([value] if value is not None else [])
    cells = [charts.short(each) for each in values] + [UNDEFINED] * (len(outcome.goals) - len(values))
    return {
        "number": trial.number,
        "state": trial.state,
        "parent": trial.parent,
        "epoch": max(trial.curve, default=0),
        "seconds": f"{trial.seconds:.0f}",
        "cells": [*cells, *(written(trial.point, name) or UNDEFINED for name in outcome.space.names)],
        "best": trial in outcome.front,
    }
