"""The report's pictures, drawn from an evaluation. Each function returns one inline SVG element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from intclass.components.evaluate.curves import Roc
from intclass.components.evaluate.evaluation import Evaluation, Result
from intclass.components.evaluate.groups import Group
from intclass.components.evaluate.metrics import COVERAGES, TITLES, coverage_name
from intclass.components.evaluate.phrases import decimal_range, percent_range
from intclass.components.evaluate.triage import Triage
from intclass.components.shared.charts import Axis, Margins, Mark, Plot, Row, dot_chart, share_axis
from intclass.components.shared.phrases import count, decimal, percent, whole_percent

_UNIT: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


def score_chart(evaluation: Evaluation, metric: str) -> str:
    """The model and every baseline by one metric, the best on top."""
    share = metric != "auroc"
    write, write_range = (percent, percent_range) if share else (decimal, decimal_range)
    write_tick = whole_percent if share else "{:.2g}".format

    def row(result: Result) -> Row:
        estimate = result.metrics[metric]
        return Row(
            label=result.title,
            note=write(estimate.value) + (f" ({write_range(estimate)})" if estimate.low < estimate.high else ""),
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            kind="model" if result is evaluation.model else "baseline",
            emphasis=result is evaluation.model,
        )

    results = sorted([evaluation.model, *evaluation.baselines], key=lambda result: -result.metrics[metric].value)
    rows = [row(result) for result in results]
    axis = share_axis([row.value if math.isnan(row.low) else row.low for row in rows], write=write_tick)
    return dot_chart(f"{TITLES[metric]} of the model and the baselines", rows, axis=axis)


def group_chart(title: str, groups: Sequence[Group], *, compared: bool = True) -> str:
    """The model's accuracy on parts of the test split, beside the best baseline's.

    `compared` marks each part's majority too; it says nothing where all examples of a part are of one class.
    """
    rows = [
        Row(
            label=group.name,
            note=f"{percent(group.accuracy)} of {count(group.examples)}",
            value=group.accuracy,
            low=group.low,
            high=group.high,
            kind="model",
            marks=_marks(group, with_majority=compared),
        )
        for group in groups
    ]
    shown = [share for row in rows for share in (row.low, *(mark.value for mark in row.marks))]
    return dot_chart(title, rows, axis=share_axis(shown))


def _marks(group: Group, *, with_majority: bool) -> list[Mark]:
    rival = Mark(value=group.baseline, kind="reference rival", what=f"best baseline, {percent(group.baseline)}")
    majority = Mark(value=group.majority, kind="reference majority", what=f"larger class, {percent(group.majority)}")
    return [majority, rival] if with_majority else [rival]


def size_chart(groups: Sequence[Group]) -> str:
    """Accuracy over size with intervals; the best baseline and each size's majority as lines."""
    names = [group.name for group in groups]
    notes = [f"{percent(group.accuracy)} of {count(group.examples)}" for group in groups]
    shown = [share for group in groups for share in (group.low, group.majority, group.baseline)]
    plot = Plot(
        title="Accuracy by size",
        description="; ".join(f"{name}: {note}" for name, note in zip(names, notes, strict=True)),
        x=Axis(low=-0.5, high=len(names) - 0.5, ticks=range(len(names)), write=lambda place: names[int(place)]),
        y=share_axis(shown),
        margins=Margins(bottom=30),
    )
    for kind, values in (
        ("majority", [group.majority for group in groups]),
        ("rival", [group.baseline for group in groups]),
    ):
        plot.line(enumerate(values), f"curve {kind}")
        for at in enumerate(values):
            plot.dot(at, f"reference {kind}", tip=f"{percent(at[1])}", radius=3.5)
    plot.line([(place, group.accuracy) for place, group in enumerate(groups)], "curve model")
    for place, (group, note) in enumerate(zip(groups, notes, strict=True)):
        plot.segment((place, group.low), (place, group.high), "interval model")
        plot.dot((place, group.accuracy), "dot model", tip=f"{group.name}: {note}")
    return plot.markup()


def roc_chart(evaluation: Evaluation) -> str:
    """The ROC curves of the model (with its area), the best baseline and the others."""
    negative, positive = evaluation.labels
    plot = Plot(
        title="ROC curve",
        description="; ".join(
            f"{result.title}: {_auroc(result)}" for result in (evaluation.model, evaluation.best_baseline)
        ),
        x=Axis(low=0, high=1, ticks=_UNIT, label=f"{negative} functions called {positive}"),
        y=Axis(low=0, high=1, ticks=_UNIT),
    )
    curve = _points(evaluation.model.roc)
    plot.area([*curve, (1, 0)], "fill model")
    plot.segment((0, 0), (1, 1), "curve chance")
    for result in evaluation.baselines:
        rival = result is evaluation.best_baseline
        plot.line(_points(result.roc), "curve rival" if rival else "curve other")
    plot.line(curve, "curve model")
    return plot.markup()


def reliability_chart(evaluation: Evaluation) -> str:
    """How often each stated probability came true, over equal-mass bins with 95 % intervals."""
    bins = evaluation.model.reliability
    notes = [f"said {percent(each.mean_probability)}, was {percent(each.positive_share)}" for each in bins]
    plot = Plot(
        title="Reliability",
        description="; ".join(notes),
        x=Axis(low=0, high=1, ticks=_UNIT, label=f"stated probability of {evaluation.labels[1]}"),
        y=Axis(low=0, high=1, ticks=_UNIT),
    )
    plot.segment((0, 0), (1, 1), "curve chance")
    plot.line(
        [(each.mean_probability, each.positive_share) for each in evaluation.uncalibrated.reliability], "curve other"
    )
    plot.line([(each.mean_probability, each.positive_share) for each in bins], "curve model thin")
    for each, note in zip(bins, notes, strict=True):
        plot.segment((each.mean_probability, each.low), (each.mean_probability, each.high), "interval model")
        plot.dot((each.mean_probability, each.positive_share), "dot model", tip=f"{note} of {count(each.examples)}")
    return plot.markup()


def score_histogram_chart(evaluation: Evaluation) -> str:
    """The model's scores by true class: the positive class upwards, the negative class downwards.

    Heights are on a square-root scale, or the few mistakes could not be seen beside the many sure answers.
    """
    scores, (negative, positive) = evaluation.scores, evaluation.labels
    shares = [[number / sum(numbers) for number in numbers] for numbers in (scores.positives, scores.negatives)]
    top = max(math.sqrt(max(each)) for each in shares) * 1.12
    plot = Plot(
        title="Scores by true class",
        description=f"{positive} above the line, {negative} below it",
        x=Axis(low=0, high=1, ticks=_UNIT, label=f"stated probability of {positive}"),
        y=Axis(low=-top, high=top),
        margins=Margins(left=14),
    )
    for direction, kind, name, each in ((1, "positive", positive, shares[0]), (-1, "negative", negative, shares[1])):
        for left, right, share in zip(scores.edges[:-1], scores.edges[1:], each, strict=True):
            tip = f"{percent(share)} of {name} between {percent(left)} and {percent(right)}"
            plot.bar((left, 0), (right, direction * math.sqrt(share)), f"column {kind}", tip=tip, gap=2)
    plot.segment((0, 0), (1, 0), "rule")
    plot.segment((0.5, -top), (0.5, top), "threshold")
    plot.text((0, top), f"truly {positive}", "label positive", shift=(4, 10))
    plot.text((1, -top), f"truly {negative}", "label negative", anchor="end", shift=(-4, -4))
    return plot.markup()


def coverage_chart(evaluation: Evaluation) -> str:
    """Accuracy when only the surest share of the answers is given, for the model and the best baseline."""
    model, rival = evaluation.model, evaluation.best_baseline
    names = [coverage_name(share) for share in COVERAGES]
    plot = Plot(
        title="Accuracy over coverage",
        description="; ".join(f"{TITLES[name]}: {percent(model.metrics[name].value)}" for name in names),
        x=Axis(low=0, high=1, ticks=_UNIT, label="share of the functions that get an answer"),
        y=share_axis([*model.coverage.y, *rival.coverage.y, *(model.metrics[name].low for name in names)]),
    )
    plot.line(zip(rival.coverage.x, rival.coverage.y, strict=True), "curve rival")
    plot.line(zip(model.coverage.x, model.coverage.y, strict=True), "curve model")
    for share, name in zip(COVERAGES, names, strict=True):
        estimate = model.metrics[name]
        plot.segment((share, estimate.low), (share, estimate.high), "interval model")
        plot.dot((share, estimate.value), "dot model", tip=f"surest {percent(share)}: {percent(estimate.value)}")
    return plot.markup()


def triage_chart(triage: Triage) -> str:
    """The share of the integrable functions found over the solver time spent: model, oracle, and no order."""
    plot = Plot(
        title="Found over solver time",
        description=f"{percent(triage.saved)} of the time saved, {percent(triage.lost)} of the functions lost",
        x=Axis(low=0, high=1, ticks=_UNIT, label="share of the solver time spent"),
        y=Axis(low=0, high=1, ticks=_UNIT),
    )
    plot.segment((0, 0), (1, 1), "curve chance")
    plot.line(zip(triage.oracle.time, triage.oracle.found, strict=True), "curve rival")
    plot.line(zip(triage.curve.time, triage.curve.found, strict=True), "curve model")
    stop = (1 - triage.saved, 1 - triage.lost)
    plot.dot(stop, "dot model", tip=f"stop: {percent(stop[1])} found in {percent(stop[0])} of the time")
    return plot.markup()


def consistency_chart(evaluation: Evaluation) -> str:
    """The share of answers that each rewriting leaves alone, beside the best baseline's."""
    assert evaluation.probes is not None, "drawn where there are probes"
    found = evaluation.probes.invariance
    rival = {each.name: each.consistency.value for each in found[evaluation.best_baseline.name]}
    rows = [
        Row(
            label=each.title,
            note=f"{percent(each.consistency.value)} of {count(each.functions)}",
            value=each.consistency.value,
            low=each.consistency.low,
            high=each.consistency.high,
            kind="model",
            marks=[Mark(value=rival[each.name], kind="reference rival", what=f"baseline, {percent(rival[each.name])}")],
        )
        for each in found[evaluation.model.name]
    ]
    shown = [share for row in rows for share in (row.low, *(mark.value for mark in row.marks))]
    return dot_chart("Answers that stay the same", rows, axis=share_axis(shown))


def pairs_chart(evaluation: Evaluation) -> str:
    """The share of minimal pairs on which each classifier is right twice, the best on top."""
    assert evaluation.probes is not None, "drawn where there are probes"
    found = evaluation.probes.pairs
    results = [each for each in [evaluation.model, *evaluation.baselines] if each.name in found]
    rows = [
        Row(
            label=each.title,
            note=f"{percent(found[each.name].right.value)} ({percent_range(found[each.name].right)})",
            value=found[each.name].right.value,
            low=found[each.name].right.low,
            high=found[each.name].right.high,
            kind="model" if each is evaluation.model else "baseline",
            emphasis=each is evaluation.model,
        )
        for each in sorted(results, key=lambda each: -found[each.name].right.value)
    ]
    return dot_chart("Pairs right on both sides", rows, axis=share_axis([row.low for row in rows]))


def _points(curve: Roc) -> list[tuple[float, float]]:
    return list(zip(curve.fpr, curve.tpr, strict=True))


def _auroc(result: Result) -> str:
    return f"AUROC {decimal(result.metrics['auroc'].value)}"
