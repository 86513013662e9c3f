"""The pictures of a study's report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from intclass.components.shared.charts import Axis, Margins, Plot, Point, Row, dot_chart, round_axis, share_axis
from intclass.components.shared.phrases import percent
from intclass.components.tune.live import written
from intclass.components.tune.objectives import Objective
from intclass.components.tune.results import Outcome, Trial
from intclass.components.tune.space import Parameter

MAX_LINES: Final = 200  # of trials in one picture; beyond, the worst are left out
_ROW: Final = 46


def history_chart(outcome: Outcome) -> str:
    """The first objective of every trial by its number, and the best so far."""
    goal = outcome.goals[0]
    shown = [(trial, value) for trial in outcome.trials if (value := last_value(trial)) is not None]
    plot = Plot(
        title=f"{goal.label} of each trial",
        description="; ".join(f"trial {trial.number}: {short(value)}, {trial.state}" for trial, value in shown),
        x=_numbers(0, max(len(outcome.trials) - 1, 1), label="trial"),
        y=_values_axis(outcome, goal),
        height=300,
    )
    plot.line(_best_so_far(outcome, goal), "curve thin")
    for trial, value in shown:
        kind = "dot" if trial.values is not None else "dot baseline"
        plot.dot((trial.number, value), kind, tip=describe(trial, outcome), radius=4)
    return plot.markup()


def curves_chart(outcome: Outcome) -> str:
    """The first objective by epoch: the best trial, the others that came to their end, and those that were stopped."""
    goal, best = outcome.goals[0], outcome.best
    shown = [trial for trial in _worst_first(outcome) if trial.curve]
    epochs = max((max(trial.curve) for trial in shown), default=1)
    plot = Plot(
        title=f"{goal.label} by epoch",
        description=f"{len(shown)} trials; the best ends at {last_value(best) or math.nan:.4g}",
        x=_numbers(1, max(epochs, 2), label="epoch"),
        y=_values_axis(outcome, goal),
        height=300,
    )
    for trial in shown:
        points = [(float(epoch), value) for epoch, value in sorted(trial.curve.items())]
        kind = "curve" if trial is best else "curve rival" if trial.values is not None else "curve other"
        plot.line(points, kind)
        end = "dot" if trial is best else "dot baseline" if trial.values is not None else "stop"
        plot.dot(points[-1], end, tip=describe(trial, outcome), radius=4 if trial is best else 2.5)
    return plot.markup()


def coordinates_chart(outcome: Outcome) -> str:
    """Parallel coordinates, from top to bottom: each parameter is a line, and the last is the first objective."""
    goal, names = outcome.goals[0], outcome.space.parameters
    complete = _worst_first(outcome, complete_only=True)
    values = [trial.values[0] for trial in complete if trial.values]
    low, high = min(values), max(values)
    rows = len(names) + 1
    plot = Plot(
        title=f"The values of each trial, and its {goal.label}",
        description=f"{len(complete)} trials",
        x=Axis(low=0, high=1),
        y=Axis(low=0, high=rows),
        height=_ROW * rows + 8,
        margins=Margins(top=4, right=2, bottom=4, left=2),
    )
    front = {trial.number for trial in outcome.front}
    for trial in complete:
        assert trial.values is not None
        points = [
            (parameter.domain.share(trial.point[parameter.name]), rows - place - 0.7)
            for place, parameter in enumerate(names)
            if parameter.name in trial.point
        ]
        share = (trial.values[0] - low) / (high - low) if high > low else 0.5
        plot.line([*points, (share, 0.3)], "curve thin" if trial.number in front else "curve other")
        plot.dot((share, 0.3), "dot" if trial.number in front else "dot other", tip=describe(trial, outcome), radius=3)
    for place, parameter in enumerate(names):  # over the lines
        _draw_scale(plot, parameter.name, *_ends(parameter), y=rows - place - 0.7)
    _draw_scale(plot, goal.label, short(low), short(high), y=0.3)
    return plot.markup()


def importance_chart(outcome: Outcome) -> str:
    """How much each parameter matters for the first objective, most first."""
    ranked = sorted(outcome.importances.items(), key=lambda each: -each[1])
    rows = [
        Row(label=name, note=percent(share, 0), value=share, low=0.0, high=share, kind="model")
        for name, share in ranked
    ]
    return dot_chart("Importance of each parameter", rows, axis=share_axis([0.0]))


def front_chart(outcome: Outcome) -> str:
    """Every complete trial by its first two objectives, and those that no other beats in both."""
    first, second = outcome.goals[:2]
    pairs = {trial.number: (trial.values[1], trial.values[0]) for trial in outcome.complete if trial.values}
    front = sorted(pairs[trial.number] for trial in outcome.front)
    plot = Plot(
        title=f"{first.label} against {second.label}",
        description="; ".join(f"trial {number}: {y:.4g} at {x:.4g}" for number, (x, y) in pairs.items()),
        x=round_axis(*_span([x for x, _ in pairs.values()]), label=second.label),
        y=round_axis(*_span([y for _, y in pairs.values()])),
        height=320,
    )
    plot.line(front, "curve thin")
    for trial in outcome.complete:
        kind = "dot" if trial in outcome.front else "dot baseline"
        plot.dot(pairs[trial.number], kind, tip=describe(trial, outcome), radius=4.5)
    return plot.markup()


def short(value: float) -> str:
    """A result as a reader wants it: 0.2964, or 115,600."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def last_value(trial: Trial) -> float | None:
    """The trial's first objective, or the last that is known of it."""
    if trial.values is not None:
        return trial.values[0]
    return trial.curve[max(trial.curve)] if trial.curve else None


def describe(trial: Trial, outcome: Outcome) -> str:
    """A trial in one line, for a tip."""
    value = last_value(trial)
    known = f"{short(value)}; " if value is not None else ""
    point = ", ".join(f"{name} {written(trial.point, name)}" for name in outcome.space.names if name in trial.point)
    return f"trial {trial.number}, {trial.state}: {known}{point}"


def _worst_first(outcome: Outcome, *, complete_only: bool = False) -> list[Trial]:
    """The trials with a value, so that the best are drawn on top."""
    goal = outcome.goals[0]
    trials = outcome.complete if complete_only else [each for each in outcome.trials if last_value(each) is not None]
    ranked = sorted(trials, key=lambda each: (each.values is not None, -goal.key(last_value(each) or 0.0)))
    return ranked[-MAX_LINES:]


def _best_so_far(outcome: Outcome, goal: Objective) -> list[Point]:
    points: list[Point] = []
    for trial in outcome.complete:
        assert trial.values is not None
        better = not points or goal.key(trial.values[0]) < goal.key(points[-1][1])
        if points:
            points.append((float(trial.number), points[-1][1]))
        if better:
            points.append((float(trial.number), trial.values[0]))
    return [*points, (float(len(outcome.trials) - 1), points[-1][1])] if points else []


def _values_axis(outcome: Outcome, goal: Objective) -> Axis:
    """Wide enough for all trials that came to their end and most of the others; what lies beyond stands at the edge."""
    keys = sorted(goal.key(value) for trial in outcome.trials if (value := last_value(trial)) is not None)
    worst = max([goal.key(trial.values[0]) for trial in outcome.complete if trial.values], default=keys[-1])
    worst = max(worst, keys[int(0.9 * (len(keys) - 1))])
    return round_axis(*sorted((abs(keys[0]), abs(worst))))


def _numbers(low: int, high: int, *, label: str) -> Axis:
    """Whole numbers from low to high, with at most eight ticks."""
    step = max(1, math.ceil((high - low) / 7))
    return Axis(low=low, high=high, ticks=range(low, high + 1, step), label=label, write=lambda value: f"{value:g}")


def _span(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _ends(parameter: Parameter) -> tuple[str, str]:
    """What stands at the ends of a parameter's line."""
    ends = parameter.domain.ends
    return written({"": ends[0]}, ""), written({"": ends[-1]}, "")


def _draw_scale(plot: Plot, name: str, low: str, high: str, *, y: float) -> None:
    plot.segment((0, y), (1, y), "track")
    plot.text((0, y), low, "hint", shift=(0, -7))
    plot.text((0.5, y), name, "label", anchor="middle", shift=(0, -7))
    plot.text((1, y), high, "hint", anchor="end", shift=(0, -7))
