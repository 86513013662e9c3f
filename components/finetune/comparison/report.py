"""The comparison as one HTML file: three charts of the same losses, and the table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from intclass.components.finetune.comparison.running import Outcome
from intclass.components.shared.charts import Plot, Point, round_axis
from intclass.components.shared.manifest import program_version
from intclass.components.shared.page import page_environment, picture
from intclass.components.shared.phrases import count, decimal, percent

_MEGABYTE: Final = 1e6


@dataclass(frozen=True)
class _Ruler:
    """What a loss is drawn against: a number of each epoch's row, in a unit."""

    name: str
    label: str
    finding: str
    unit: float = 1.0


_RULERS: Final = (
    _Ruler("seconds", "seconds of training", "Against the clock"),
    _Ruler("samples", "thousand samples seen", "Against what was seen", unit=1000),
    _Ruler("bytes_sent", "megabytes sent", "Against what was sent", unit=_MEGABYTE),
)


def render_comparison(outcomes: Sequence[Outcome], *, dataset: str, machine: str, options: Sequence[str]) -> str:
    """The page. Curves are those of each configuration's first run; the table has means over its runs."""
    return (
        page_environment(__package__)
        .get_template("comparison.html.j2")
        .render(
            charts=[_chart(outcomes, ruler) for ruler in _RULERS],
            keys=[(f"s{place}", each.configuration.name) for place, each in enumerate(outcomes)],
            rows=[_row(each, outcomes[0]) for each in outcomes],
            headline=_headline(outcomes),
            dataset=dataset,
            machine=machine,
            options=" ".join(options) or "the usual options",
            program=program_version(),
        )
    )


def to_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Everything that the page shows, as plain values."""
    return [
        {
            "name": each.configuration.name,
            "ranks": each.configuration.ranks,
            "options": list(each.configuration.options),
            "runs": [{"epochs": list(map(dict, run.epochs)), "stats": dict(run.stats)} for run in each.runs],
        }
        for each in outcomes
    ]


def _headline(outcomes: Sequence[Outcome]) -> str:
    fastest = max(outcomes, key=lambda each: each.mean("samples_per_second"))
    best = min(outcomes, key=lambda each: each.mean("validation_loss"))
    speed = fastest.mean("samples_per_second") / outcomes[0].mean("samples_per_second")
    return (
        f"{fastest.configuration.name} trains fastest, {speed:.2f} times as many samples a second as one process; "
        f"{best.configuration.name} ends with the lowest loss, {decimal(best.mean('validation_loss'))}"
    )


def _row(outcome: Outcome, baseline: Outcome) -> dict[str, str]:
    speed = outcome.mean("samples_per_second")
    return {
        "name": outcome.configuration.name,
        "runs": str(len(outcome.runs)),
        "processes": str(outcome.configuration.processes or outcome.configuration.ranks),
        "seconds": _with_spread(outcome, "seconds", lambda value: f"{value:.1f}"),
        "speed": count(round(speed)),
        "speed_up": f"{speed / baseline.mean('samples_per_second'):.2f}",
        "sent": f"{outcome.mean('bytes_sent') / _MEGABYTE:.1f}",
        "epochs": f"{outcome.mean('epoch'):g}",
        "loss": _with_spread(outcome, "validation_loss", decimal),
        "accuracy": _with_spread(outcome, "validation_accuracy", percent),
    }


def _with_spread(outcome: Outcome, name: str, write: Callable[[float], str]) -> str:
    spread = outcome.spread(name)
    return write(outcome.mean(name)) + ("" if math.isnan(spread) else f" \N{PLUS-MINUS SIGN} {write(spread)}")


def _chart(outcomes: Sequence[Outcome], ruler: _Ruler) -> dict[str, Any]:
    curves = [_curve(each.runs[0].epochs, ruler) for each in outcomes]
    points = [point for curve in curves for point in curve]
    plot = Plot(
        title=f"Validation loss against {ruler.label}",
        description="; ".join(
            f"{each.configuration.name}: {curve[-1][1]:.3f} at {curve[-1][0]:.3g}"
            for each, curve in zip(outcomes, curves, strict=True)
        ),
        x=round_axis(0.0, max(x for x, _ in points), label=ruler.label),
        y=round_axis(min(y for _, y in points), max(y for _, y in points)),
        height=300,
    )
    for place, (outcome, curve) in enumerate(zip(outcomes, curves, strict=True)):
        plot.line(curve, f"curve s{place}")
        for x, y in curve:
            tip = f"{outcome.configuration.name}: {y:.3f} at {x:.4g} {ruler.label}"
            plot.dot((x, y), f"dot s{place}", tip=tip, radius=2.5)
    return {
        "name": ruler.name,
        "finding": ruler.finding,
        "sub": f"validation loss by {ruler.label}",
        "picture": picture(plot.markup()),
    }


def _curve(epochs: Sequence[Mapping[str, float]], ruler: _Ruler) -> list[Point]:
    return [(row[ruler.name] / ruler.unit, row["validation_loss"]) for row in epochs]
