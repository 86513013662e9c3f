"""The sentences follow the numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from intclass.components.evaluate import story
from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.evaluate.evaluation import Evaluation
from intclass.components.evaluate.groups import Group
from intclass.components.evaluate.metrics import Scored

Assess = Callable[..., Evaluation]


@pytest.fixture(scope="module")
def by_verdict(assess_with: Assess, scored: dict[str, Scored], evaluation: Evaluation) -> dict[str, Evaluation]:
    labels = scored["model"].labels
    rival = scored[evaluation.comparison.baseline]
    return {
        "ahead": assess_with(Scored(labels, np.where(labels == 1, 0.9, 0.1))),
        "level": assess_with(rival),
        "behind": assess_with(
            Scored(labels, np.where(np.arange(len(labels)) % 3 == 0, 1 - labels, labels).astype(float))
        ),
    }


def _plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("ahead", "Right on 100.0 % of functions it has never seen, {margin} points above {rival}"),
        ("level", "no clear lead over {rival}"),
        ("behind", "{margin} points below {rival}"),
    ],
)
def test_the_headline_says_how_the_model_stands(by_verdict: dict[str, Evaluation], verdict: str, words: str) -> None:
    evaluation = by_verdict[verdict]
    rival = evaluation.best_baseline.title
    margin = f"{100 * abs(evaluation.comparison.accuracy_margin.value):.1f}"
    assert story.verdict(evaluation) == verdict
    expected = words.format(margin=margin, rival=rival[0].lower() + rival[1:])
    assert expected in _plain(story.headline(evaluation))


def test_a_model_of_another_dataset_is_not_said_to_have_never_seen_the_functions(assess_with: Assess) -> None:
    evaluation = assess_with(trained_on_this_dataset=False)
    assert "never seen" not in story.headline(evaluation)
    assert "may have seen" in story.standfirst(evaluation)[-1]


def test_the_standfirst_counts_what_was_missed(evaluation: Evaluation) -> None:
    missed = evaluation.confusion[1][0] / evaluation.test_positives
    assert f"It misses {100 * missed:.1f} % of the elementary functions" in _plain(story.standfirst(evaluation)[1])


def test_few_test_functions_are_called_few(evaluation: Evaluation) -> None:
    assert "rough" not in " ".join(story.standfirst(evaluation))
    wide = {**evaluation.model.metrics, "accuracy": Estimate(0.7, 0.5, 0.9)}
    changed = replace(evaluation, model=replace(evaluation.model, metrics=wide))
    assert "So few test functions give rough numbers" in " ".join(story.standfirst(changed))


def _group(name: str, accuracy: float, low: float, high: float, examples: int = 100) -> Group:
    return Group(name=name, examples=examples, positives=50, accuracy=accuracy, low=low, high=high, baseline=0.5)


def test_the_weak_spot_is_surely_below_average_and_large_enough(evaluation: Evaluation) -> None:
    overall = evaluation.metrics["accuracy"]
    weak, tiny = _group("tan", 0.5, 0.4, 0.6), _group("asin", 0.1, 0.0, 0.2, examples=5)
    unsure = _group("cos", overall - 0.1, overall - 0.2, overall + 0.1)
    nothing: dict[str, tuple[Group, ...]] = dict.fromkeys(evaluation.groups, ())
    searched = nothing | {"operator": (tiny, unsure, weak)}
    assert story.weak_spot(replace(evaluation, groups=searched)).startswith("It is weakest on functions with tan: 50")
    searched["operator"] = (tiny, unsure)
    assert "No size, operator or source" in story.weak_spot(replace(evaluation, groups=searched))


@pytest.mark.parametrize(
    ("accuracies", "words"),
    [
        ([0.9, 0.8, 0.5], "Accuracy falls with size, from 90.0 % to 50.0 %"),
        ([0.5, 0.8, 0.9], "Accuracy rises with size"),
        ([0.9, 0.5, 0.88], "No clear trend with size: between 50.0 % and 90.0 %"),
        ([0.9], "90.0 % right at the one size there is"),
    ],
)
def test_the_trend_with_size(evaluation: Evaluation, accuracies: list[float], words: str) -> None:
    groups = tuple(_group(str(size), value, value - 0.05, value + 0.05) for size, value in enumerate(accuracies, 3))
    changed = replace(evaluation, groups={**evaluation.groups, "internal_nodes": (), "num_nodes": groups})
    assert words in _plain(story.findings(changed)["sizes"])
    assert story.size_name(changed) == "nodes of the canonical expression tree"


def test_the_hardest_group_must_stand_out() -> None:
    clear = [_group("sin", 0.6, 0.5, 0.7), _group("log", 0.9, 0.85, 0.95)]
    assert _plain(story.hardest(clear)) == "Hardest: sin, 60.0 % right"
    close = [_group("sin", 0.88, 0.8, 0.93), _group("log", 0.9, 0.85, 0.95)]
    assert _plain(story.hardest(close)) == "No clear difference: between 88.0 % and 90.0 %"
