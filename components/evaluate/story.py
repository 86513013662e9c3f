"""The report's sentences: what the numbers say, chosen by the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from intclass.components.evaluate.curves import Roc
from intclass.components.evaluate.evaluation import Evaluation
from intclass.components.evaluate.groups import Group
from intclass.components.evaluate.phrases import in_sentence, points_range
from intclass.components.shared.phrases import count, decimal, p_value, percent, points

_SEARCHED: Final = {
    "internal_nodes": "with {} operators",
    "operator": "with {}",
    "generator": "from the {} generator",
    "grammar": "in the {} grammar",
}
_ENOUGH_EXAMPLES: Final = 30
_ROUGH: Final = 0.1  # the width of an interval that the reader is told about


def verdict(evaluation: Evaluation) -> str:
    """`ahead`, `level` or `behind`: the model's accuracy against the best baseline's, by the paired interval."""
    margin = evaluation.comparison.accuracy_margin
    if margin.low > 0:
        return "ahead"
    return "behind" if margin.high < 0 else "level"


def headline(evaluation: Evaluation) -> str:
    """The report in one sentence."""
    accuracy = percent(evaluation.model.metrics["accuracy"].value)
    functions = "functions it has never seen" if evaluation.trained_on_this_dataset else "the test functions"
    margin = evaluation.comparison.accuracy_margin.value
    rival = in_sentence(evaluation.best_baseline.title)
    return {
        "ahead": f"Right on {accuracy} of {functions}, {points(margin)[1:]} points above {rival}",
        "level": f"Right on {accuracy} of {functions}, no clear lead over {rival}",
        "behind": f"Right on {accuracy} of {functions}, {points(margin)[1:]} points below {rival}",
    }[verdict(evaluation)]


def standfirst(evaluation: Evaluation) -> list[str]:
    """The sentences below the headline: the task, the yardsticks, the ranking, and where it fails."""
    negative, positive = evaluation.labels
    larger = positive if evaluation.test_positives * 2 >= evaluation.test_examples else negative
    surest = percent(evaluation.model.metrics["accuracy_at_80"].value)
    rival = evaluation.best_baseline
    sentences = [
        (
            f"The model was asked of each of {count(evaluation.test_examples)} held-out functions whether it is "
            f"{positive} or {negative}. Always answering {larger} would be right on "
            f"{percent(evaluation.majority_share)} of them; the best of {len(evaluation.baselines)} baselines, "
            f"{in_sentence(rival.title)}, is right on "
            f"{percent(rival.metrics['accuracy'].value)}."
        ),
        _misses(evaluation),
        weak_spot(evaluation),
        f"On the fifth where it is least sure it may keep silent: of the rest, {surest} are right.",
    ]
    sentences += probe_sentences(evaluation)
    accuracy = evaluation.model.metrics["accuracy"]
    if accuracy.high - accuracy.low > _ROUGH:
        sentences.append("So few test functions give rough numbers; the intervals say how rough.")
    if not evaluation.trained_on_this_dataset:
        sentences.append("The model was trained on another dataset, so it may have seen some of these functions.")
    return sentences


def weak_spot(evaluation: Evaluation) -> str:
    """The part of the test split where the model is surely below its average, or that there is none."""
    overall = evaluation.model.metrics["accuracy"].value
    found = [
        (group.accuracy, phrase.format(group.name), group)
        for by, phrase in _SEARCHED.items()
        for group in evaluation.groups.get(by, ())
        if _ENOUGH_EXAMPLES <= group.examples < evaluation.test_examples and group.high < overall
    ]
    if not found:
        return "No size, operator or source of functions stands out as clearly harder than the rest."
    accuracy, where, group = min(found, key=lambda each: (each[0], each[1]))
    return f"It is weakest on functions {where}: {percent(accuracy)} of {count(group.examples)}."


def probe_sentences(evaluation: Evaluation) -> list[str]:
    """What probes, a file from outside and a second labelling show; nothing without them."""
    sentences = []
    probes, model = evaluation.probes, evaluation.model.name
    if probes:
        worst = min(probes.invariance[model], key=lambda each: each.consistency.value)
        sentences.append(
            f"Rewritten so that the truth stays the same, {percent(worst.consistency.value)} of the functions keep "
            f"their answer under the rewriting that does most harm: {worst.title}."
        )
    if probes and probes.pairs:
        pairs = probes.pairs[model]
        sentences.append(
            f"Of {len(pairs.answers)} pairs of functions that look alike and differ in the truth, it is right on both "
            f"of {percent(pairs.right.value)}."
        )
    if evaluation.outside:
        found = evaluation.outside.whole
        sentences.append(
            f"On the outside file {evaluation.outside.name} it is right on "
            f"{percent(found.metrics[model]['accuracy'].value)} of {count(found.examples)} functions."
        )
    if evaluation.ceiling:
        decided = evaluation.ceiling.functions - evaluation.ceiling.undecided
        sentences.append(
            f"Labelled a second time, {percent(evaluation.ceiling.agreement.value)} of {count(decided)} test functions "
            "got the same label, which bounds the accuracy that can be hoped for."
        )
    return sentences


def against_baselines(evaluation: Evaluation) -> str:
    """What the paired comparison with the best baseline says."""
    test, margin = evaluation.comparison.mcnemar, evaluation.comparison.accuracy_margin
    rival = in_sentence(evaluation.best_baseline.title)
    return (
        f"On the same functions, the model alone is right on {count(test.only_first)}, and {rival} alone on "
        f"{count(test.only_second)}: a margin of {points(margin.value)} points ({points_range(margin)}; McNemar "
        f"{p_value(test.p_value)})."
    )


def findings(evaluation: Evaluation) -> dict[str, str]:
    """The title of each figure, by its name: the finding, not the axes."""
    negative, positive = evaluation.labels
    model = evaluation.model.metrics
    found, surest = _found_at(evaluation.roc, 0.05), model["accuracy_at_80"].value
    gap = decimal(100 * model["ece"].value, 1)
    return {
        "accuracy": _lead(evaluation),
        "auroc": f"{percent(model['auroc'].value)} of the time, {_a(positive)} function outranks {_a(negative)} one",
        "roc": f"It finds {percent(found, 0)} of the {positive} functions at {percent(0.05, 0)} false alarms",
        "reliability": f"Stated probability and truth differ by {gap} points on average",
        "scores": f"{percent(_decided_share(evaluation), 0)} of the scores are below 0.1 or above 0.9",
        "coverage": f"Of the surest {percent(0.8, 0)} of the answers, {percent(surest)} are right",
        "sizes": _trend(size_groups(evaluation)),
        "confusion": _confusion(evaluation),
    }


def size_groups(evaluation: Evaluation) -> tuple[Group, ...]:
    """Sizes as drawn where they differ, else bins of the canonical tree's nodes."""
    drawn = evaluation.groups["internal_nodes"]
    return drawn if len(drawn) > 1 else evaluation.groups["num_nodes"]


def size_name(evaluation: Evaluation) -> str:
    """What `size_groups` counts."""
    drawn = len(evaluation.groups["internal_nodes"]) > 1
    return "operators, as drawn" if drawn else "nodes of the canonical expression tree"


def _lead(evaluation: Evaluation) -> str:
    margin = points(evaluation.comparison.accuracy_margin.value)[1:]
    return {
        "ahead": f"{margin} points above the best baseline",
        "level": "No clear lead over the best baseline",
        "behind": f"{margin} points below the best baseline",
    }[verdict(evaluation)]


def _misses(evaluation: Evaluation) -> str:
    negative, positive = evaluation.labels
    (_, wrong_negative), (wrong_positive, _) = evaluation.confusion
    negatives = evaluation.test_examples - evaluation.test_positives
    return (
        f"It misses {percent(wrong_positive / evaluation.test_positives)} of the {positive} functions, and takes "
        f"{percent(wrong_negative / negatives)} of the {negative} ones for {positive}."
    )


def _confusion(evaluation: Evaluation) -> str:
    (_, wrong_negative), (wrong_positive, _) = evaluation.confusion
    negative, positive = evaluation.labels
    return f"{count(wrong_positive)} {positive} functions missed, {count(wrong_negative)} {negative} ones let through"


def _trend(groups: Sequence[Group]) -> str:
    first, last = groups[0], groups[-1]
    if first is last:
        return f"{percent(first.accuracy)} right at the one size there is"
    if last.high < first.low:
        return f"Accuracy falls with size, from {percent(first.accuracy)} to {percent(last.accuracy)}"
    if first.high < last.low:
        return f"Accuracy rises with size, from {percent(first.accuracy)} to {percent(last.accuracy)}"
    lowest, highest = (choose(group.accuracy for group in groups) for choose in (min, max))
    return f"No clear trend with size: between {percent(lowest)} and {percent(highest)}"


def hardest(groups: Iterable[Group]) -> str:
    """The group of enough examples in which the model is right the least, if it surely stands out."""
    groups = list(groups)
    enough = [group for group in groups if group.examples >= _ENOUGH_EXAMPLES] or groups
    worst, best = (choose(enough, key=lambda group: group.accuracy) for choose in (min, max))
    if worst.high < best.low:
        return f"Hardest: {worst.name}, {percent(worst.accuracy)} right"
    return f"No clear difference: between {percent(worst.accuracy)} and {percent(best.accuracy)}"


def _found_at(roc: Roc, fpr: float) -> float:
    """The true positive rate at a false positive rate."""
    return float(np.interp(fpr, roc.fpr, roc.tpr))


def _decided_share(evaluation: Evaluation) -> float:
    """The share of the scores in the outer tenths of [0, 1]."""
    totals = np.add(evaluation.scores.negatives, evaluation.scores.positives)
    tenth = len(totals) // 10
    return float((totals[:tenth].sum() + totals[-tenth:].sum()) / totals.sum())


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
