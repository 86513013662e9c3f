"""The report's sections on what an evaluation may lack: probes, an outside file, a second labelling."""

from __future__ import annotations

from typing import Any, Final

from intclass.components.evaluate import figures
from intclass.components.evaluate.evaluation import Evaluation, Probes
from intclass.components.evaluate.mistakes import mathml
from intclass.components.evaluate.phrases import percent_range
from intclass.components.shared.page import picture
from intclass.components.shared.phrases import count, percent, points

MAX_LISTED: Final = 6


def probes(evaluation: Evaluation) -> dict[str, Any] | None:
    """The section on rewritten functions and minimal pairs; None where nothing was probed."""
    found = evaluation.probes
    if found is None:
        return None
    results = found.invariance[evaluation.model.name]
    worst = min(results, key=lambda each: each.consistency.value)
    rival, kept = evaluation.best_baseline.title, percent(worst.consistency.value)
    return {
        "consistency": f"{kept} of the answers survive the hardest rewriting, {worst.title}",
        "sub": (
            f"Share of the test functions whose answer stays. Filled: the model; open: {rival}. On average over the "
            f"functions, probabilities move by at most {points(max(each.mean_change for each in results))[1:]} points."
        ),
        "picture": picture(figures.consistency_chart(evaluation)),
        "worst": [
            {
                "before": mathml(change.before),
                "after": mathml(change.after),
                "said": f"{percent(change.probability_before)} → {percent(change.probability_after)}",
                "rewriting": title,
                "truth": evaluation.labels[change.label],
            }
            for title, change in ((each.title, each.worst[0]) for each in results)
        ],
        "pairs": _pairs(evaluation, found) if found.pairs else None,
    }


def _pairs(evaluation: Evaluation, found: Probes) -> dict[str, Any]:
    result = found.pairs[evaluation.model.name]
    return {
        "finding": f"Right on both functions of {percent(result.right.value)} of the {len(result.answers)} pairs",
        "sub": f"Share of minimal pairs with two right answers, with 95 % intervals. {_unexposed(evaluation, found)}",
        "picture": picture(figures.pairs_chart(evaluation)),
        "wrong": [
            {
                "elementary": mathml(each.elementary),
                "nonelementary": mathml(each.nonelementary),
                "first": percent(each.probability_elementary),
                "second": percent(each.probability_nonelementary),
            }
            for each in result.wrong[:MAX_LISTED]
        ],
    }


def _unexposed(evaluation: Evaluation, found: Probes) -> str:
    if not found.exposed_pairs:
        return "None of them has a near-copy in training."
    rest = found.unexposed_pairs[evaluation.model.name]
    pairs = len(found.pairs[evaluation.model.name].answers)
    return (
        f"Of {count(found.exposed_pairs)} pairs a function has a near-copy in training; on the other "
        f"{count(pairs - found.exposed_pairs)} the model is right on {percent(rest.value)}."
    )


def outside(evaluation: Evaluation) -> dict[str, Any] | None:
    """The part on a file from outside; None without one."""
    found = evaluation.outside
    if found is None:
        return None
    name = evaluation.model.name
    accuracy = found.whole.metrics[name]["accuracy"]
    sentences = [
        (
            f"{count(found.whole.examples)} functions, {percent(accuracy.value)} right ({percent_range(accuracy)}); "
            f"larger class: {percent(found.whole.majority_share)}."
        )
    ]
    if found.exposed:
        sentences.append(
            f"{count(found.exposed)} of them have near-copies among {count(found.exposed_rows)} training functions."
        )
    else:
        sentences.append("None of them has a near-copy in training.")
    if found.unexposed:
        rest = found.unexposed
        sentences.append(
            f"On the {count(rest.examples)} others {percent(rest.metrics[name]['accuracy'].value)} are right."
        )
    return {
        "name": found.name,
        "finding": " ".join(sentences),
        "listed": [{"given": mathml(given), "near": mathml(near)} for given, near in found.listed],
        "unreadable": found.unreadable,
    }


def ceiling(evaluation: Evaluation) -> dict[str, Any] | None:
    """The part on labels made a second time; None without them."""
    found = evaluation.ceiling
    if found is None:
        return None
    return {
        "sentence": (
            f"Of {count(found.functions)} test functions that the engines labelled a second time, "
            f"{count(found.undecided)} were not decided again; {percent(found.agreement.value)} of the others "
            f"({percent_range(found.agreement)}) got the same label, which bounds the accuracy that can be hoped for."
        ),
        "rows": [
            {
                "integrand": mathml(each.integrand),
                "first": evaluation.labels[each.first],
                "second": evaluation.labels[each.second],
                "reason": each.reason,
            }
            for each in found.disagreements
        ],
    }
