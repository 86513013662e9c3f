"""The report: one HTML file with everything in it, no network, no script."""

from __future__ import annotations

import math
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from markupsafe import Markup

from intclass.components.evaluate import figures, report_sections, story
from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.evaluate.evaluation import Evaluation, Result
from intclass.components.evaluate.held_out import HeldOut
from intclass.components.evaluate.metrics import LOWER_IS_BETTER, TITLES, heading
from intclass.components.evaluate.mistakes import Side
from intclass.components.evaluate.phrases import compact_range, decimal_range, percent_range, points_range
from intclass.components.evaluate.triage import Triage
from intclass.components.shared.manifest import Manifest, program_version
from intclass.components.shared.page import page_environment, picture
from intclass.components.shared.phrases import count, decimal, p_value, percent, points
from intclass.components.shared.records import SPLITS

COLUMNS: Final = ("accuracy", "balanced_accuracy", "auroc", "auprc", "mcc", "brier", "ece", "accuracy_at_80")
_SHARES: Final = frozenset({"accuracy", "balanced_accuracy", "accuracy_at_80"})
_LIBRARIES: Final = ("sympy", "numpy", "scipy", "scikit-learn", "torch", "transformers")
MAX_REASONS: Final = 14
OF_ONE_CLASS: Final = ("reason", "certificate")  # groupings whose parts hold one class each, as a rule


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What an evaluation was made from: both folders' manifests, and the options; `further` as the command has them."""

    model: Manifest
    dataset: Manifest
    bootstrap: int
    seed: int
    further: str = ""


def render_report(
    evaluation: Evaluation, sources: Sources, *, examples: Sequence[Mapping[str, Any]], mistakes: Sequence[Side]
) -> str:
    """The page; `examples` are all rows of the dataset, for its section. The same values give the same text."""
    environment = page_environment(__package__)
    negative, positive = evaluation.labels
    return environment.get_template("report.html.j2").render(
        evaluation=evaluation,
        negative=negative,
        positive=positive,
        train_examples=count(evaluation.train_examples),
        test_examples=count(evaluation.test_examples),
        best_baseline=evaluation.best_baseline.title,
        headline=story.headline(evaluation),
        standfirst=story.standfirst(evaluation),
        against_baselines=story.against_baselines(evaluation),
        findings=story.findings(evaluation),
        key_numbers=_key_numbers(evaluation),
        charts=_charts(evaluation),
        triage=_triage(evaluation.triage),
        group_charts=_group_charts(evaluation),
        size_name=story.size_name(evaluation),
        table=_table(evaluation, {each.name: each.metrics for each in [evaluation.model, *evaluation.baselines]}),
        every=_every_metric(evaluation),
        held_out=[_held_out(evaluation, each) for each in evaluation.held_out],
        gate=evaluation.gate,
        probes=report_sections.probes(evaluation),
        outside=report_sections.outside(evaluation),
        outside_table=_table(evaluation, evaluation.outside.whole.metrics) if evaluation.outside else None,
        ceiling=report_sections.ceiling(evaluation),
        confusion=_confusion(evaluation),
        mistakes=mistakes,
        data=_data(evaluation, sources, examples),
        provenance=_provenance(sources),
    )


def _key_numbers(evaluation: Evaluation) -> list[dict[str, str]]:
    metrics, margin = evaluation.model.metrics, evaluation.comparison.accuracy_margin
    rival, rival_metrics = evaluation.best_baseline.title, evaluation.best_baseline.metrics
    numbers = [
        ("Accuracy", percent(metrics["accuracy"].value), percent_range(metrics["accuracy"])),
        ("Lead over best baseline", f"{points(margin.value)}\N{NO-BREAK SPACE}pt", points_range(margin)),
        ("Ranking (AUROC)", decimal(metrics["auroc"].value), decimal_range(metrics["auroc"])),
        ("Calibration error (ECE)", decimal(metrics["ece"].value), decimal_range(metrics["ece"])),
    ]
    contexts = [
        f"Majority class: {percent(evaluation.majority_share)}",
        f"McNemar {p_value(evaluation.comparison.mcnemar.p_value)}",
        f"{rival}: {decimal(rival_metrics['auroc'].value)}",
        f"{rival}: {decimal(rival_metrics['ece'].value)}",
    ]
    return [
        {"title": title, "value": value, "interval": interval, "context": context}
        for (title, value, interval), context in zip(numbers, contexts, strict=True)
    ]


def _charts(evaluation: Evaluation) -> dict[str, Markup]:
    drawn = {
        "accuracy": figures.score_chart(evaluation, "accuracy"),
        "auroc": figures.score_chart(evaluation, "auroc"),
        "roc": figures.roc_chart(evaluation),
        "reliability": figures.reliability_chart(evaluation),
        "scores": figures.score_histogram_chart(evaluation),
        "coverage": figures.coverage_chart(evaluation),
        "sizes": figures.size_chart(story.size_groups(evaluation)),
    }
    return {name: picture(drawing) for name, drawing in drawn.items()}


def _triage(triage: Triage | None) -> dict[str, Any] | None:
    """The section on the model as a front end; None where no solver's time is known."""
    if triage is None:
        return None
    return {
        "finding": f"Saves {percent(triage.saved)} of the solver time, loses {percent(triage.lost)} of what it finds",
        "integrands": count(triage.integrands),
        "hours": decimal(triage.seconds / 3600, 2),
        "oracle": percent(triage.oracle_saved),
        "picture": picture(figures.triage_chart(triage)),
    }


def _group_charts(evaluation: Evaluation) -> list[list[dict[str, Any]]]:
    """A chart for each grouping that tells parts apart, in two columns: what a function is, and its evidence."""
    titles = {
        "operator": "Accuracy on the functions in which each operator occurs.",
        "reason": "Accuracy by why the label is what it is.",
        "certificate": "Accuracy by what proves the label.",
        "generator": "Accuracy by where the function came from.",
        "grammar": "Accuracy by the grammar it was drawn from.",
    }
    charts = [
        {
            "name": by,
            "compared": by not in OF_ONE_CLASS,
            "finding": story.hardest(evaluation.groups[by]),
            "sub": title,
            "picture": picture(figures.group_chart(title, evaluation.groups[by], compared=by not in OF_ONE_CLASS)),
        }
        for by, title in titles.items()
        if len(evaluation.groups[by]) > 1
    ]
    evidence = [chart for chart in charts if chart["name"] in OF_ONE_CLASS]
    return [[chart for chart in charts if chart["name"] not in OF_ONE_CLASS], evidence]


def _held_out(evaluation: Evaluation, each: HeldOut) -> dict[str, Any]:
    model, rival = (each.metrics[name] for name in (evaluation.model.name, evaluation.best_baseline.name))
    finding = (
        f"{percent(model['accuracy'].value)} right; {evaluation.best_baseline.title}: "
        f"{percent(rival['accuracy'].value)}; larger class: {percent(each.majority_share)}"
    )
    return {
        "title": each.title,
        "finding": finding,
        "split": each.split,
        "examples": count(each.examples),
        "table": _table(evaluation, each.metrics),
    }


def _table(evaluation: Evaluation, metrics: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Any]:
    """The rows of the model and the baselines; `metrics` holds each one's by its name."""
    results = [evaluation.model, *evaluation.baselines]
    best = {name: _best(metrics, name) for name in COLUMNS}

    def cell(result: Result, name: str) -> dict[str, Any]:
        estimate = metrics[result.name][name]
        share = name in _SHARES
        return {
            "value": percent(estimate.value) if share else decimal(estimate.value),
            "interval": compact_range(estimate, scale=100 if share else 1),
            "best": estimate.value == best[name],
        }

    rows = [
        {"title": each.title, "description": each.description, "cells": [cell(each, name) for name in COLUMNS]}
        for each in results
    ]
    return {"columns": [heading(name) for name in COLUMNS], "rows": rows}


def _every_metric(evaluation: Evaluation) -> dict[str, Any]:
    """Metrics down, classifiers across: the values alone."""
    results = [evaluation.model, evaluation.uncalibrated, *evaluation.baselines]
    rows = [
        {"title": heading(name), "cells": [decimal(each.metrics[name].value) for each in results]} for name in TITLES
    ]
    return {"columns": [each.title for each in results], "rows": rows}


def _best(metrics: Mapping[str, Mapping[str, Estimate]], metric: str) -> float:
    """The best value of a metric that says something: of a classifier that tells examples apart; nan if there is none.

    The model before its calibration is no competitor.
    """
    values = [found[metric].value for name, found in metrics.items() if name not in ("majority", "uncalibrated")]
    defined = [value for value in values if not math.isnan(value)]
    if not defined:
        return math.nan
    return min(defined) if metric in LOWER_IS_BETTER else max(defined)


def _confusion(evaluation: Evaluation) -> list[dict[str, Any]]:
    rows = []
    for truth, (label, counts) in enumerate(zip(evaluation.labels, evaluation.confusion, strict=True)):
        cells = [
            {
                "count": count(number),
                "share": percent(number / sum(counts)),
                "weight": f"{number / sum(counts):.3f}",
                "right": answer == truth,
            }
            for answer, number in enumerate(counts)
        ]
        rows.append({"label": label, "cells": cells})
    return rows


def _data(evaluation: Evaluation, sources: Sources, examples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    by_split = Counter((row["split"], row["label"]) for row in examples)
    reasons = Counter((row["label"], row["outcome"], row["reason"]) for row in examples).most_common()
    positives = sum(row["label"] for row in examples)
    largest = reasons[0][1]
    shown = sorted(reasons, key=lambda item: (-item[1], item[0]))[:MAX_REASONS]
    return {
        "sentence": f"{count(len(examples))} examples, {percent(positives / len(examples))} {evaluation.labels[1]}.",
        "splits": [
            {
                "name": split,
                "negatives": count(by_split[split, 0]),
                "positives": count(by_split[split, 1]),
                "share": percent(by_split[split, 1] / (by_split[split, 0] + by_split[split, 1])),
            }
            for split in SPLITS
            if by_split[split, 0] + by_split[split, 1]
        ],
        "counts": _flow(sources.dataset.counts),
        "reasons": [
            {
                "outcome": outcome,
                "reason": reason,
                "count": count(number),
                "weight": f"{number / largest:.3f}",
                "kind": "positive" if label else "negative",
            }
            for (label, outcome, reason), number in shown
        ],
    }


def _flow(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """How many outcomes there were, how many were dropped and why, and what is left."""
    dropped = [name for name, number in counts.items() if name.startswith("dropped_") and number]
    names = [name for name in ("outcomes", *dropped, "examples") if name in counts]
    return [(name.replace("_", " "), count(counts[name])) for name in names]


def _provenance(sources: Sources) -> dict[str, Any]:
    versions = [
        ("program", sources.model.program),
        ("model fingerprint", sources.model.fingerprint),
        ("dataset fingerprint", sources.dataset.fingerprint),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in _LIBRARIES),
    ]
    configs = [("Options of the model", sources.model.config), ("Options of the dataset", sources.dataset.config)]
    return {
        "command": (
            f"intclass evaluate MODEL DATASET --out DIR --bootstrap {sources.bootstrap} --seed {sources.seed}"
            f"{sources.further}"
        ),
        "bootstrap": count(sources.bootstrap),
        "program": program_version(),
        "versions": versions,
        "configs": [{"title": title, "rows": sorted(config.items())} for title, config in configs if config],
    }
