"""Each baseline on a table where its answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from intclass.components.evaluate.baselines import BASELINES, Baseline, fit_predict

BY_NAME = {baseline.name: baseline for baseline in BASELINES}


def _scores(name: str, train: list[str], labels: list[int], test: list[str]) -> np.ndarray:
    return fit_predict(BY_NAME[name], train, np.array(labels), test, seed=0)


def test_majority_states_the_share_of_the_class() -> None:
    scores = _scores("majority", ["x", "sin x", "cos x", "exp x"], [1, 0, 0, 0], ["tan x", "log x"])
    assert scores.tolist() == [0.25, 0.25]


def test_exponent_rule_states_each_sides_share() -> None:
    inside, outside = ["exp x", "pow 2 x"] * 50, ["sin x", "pow x 2"] * 50
    labels = [0] * 90 + [1] * 10 + [1] * 70 + [0] * 30
    scores = _scores("exponent_rule", inside + outside, labels, ["exp sin x", "mul x x"])
    assert scores == pytest.approx([0.1, 0.7], abs=0.02)  # but for smoothing by one example


@pytest.fixture(scope="module")
def cheated_by_length() -> tuple[list[str], list[int]]:
    """Every function of more than five words is labelled 0, whatever it is."""
    rng = np.random.default_rng(0)
    prefixes, labels = [], []
    for _ in range(300):
        chain = [str(rng.choice(["sin", "exp", "log"])) for _ in range(int(rng.integers(1, 10)))]
        prefixes.append(" ".join([*chain, "x"]))
        labels.append(int(len(chain) < 5))
    return prefixes, labels


def test_length_alone_exposes_a_set_that_is_cheated_by_length(cheated_by_length: tuple[list[str], list[int]]) -> None:
    prefixes, labels = cheated_by_length
    scores = _scores("length", prefixes[:200], labels[:200], prefixes[200:])
    assert ((scores >= 0.5) == np.array(labels[200:])).all()


def test_length_alone_learns_nothing_where_all_are_of_one_length() -> None:
    prefixes, labels = ["sin x", "exp x"] * 40, [1, 0] * 40
    assert _scores("length", prefixes, labels, ["sin x"])[0] == pytest.approx(0.5)
    assert _scores("operator_counts", prefixes, labels, ["sin x"])[0] > 0.9


def test_operator_counts_ignore_the_order_and_n_grams_see_it() -> None:
    prefixes, labels = ["sin exp log x", "exp sin log x"] * 40, [1, 0] * 40
    test = ["sin exp log x", "exp sin log x"]
    assert _scores("operator_counts", prefixes, labels, test) == pytest.approx([0.5, 0.5], abs=1e-6)
    for name in ("ngrams", "boosted_trees"):
        first, second = _scores(name, prefixes, labels, test)
        assert first > 0.9, name
        assert second < 0.1, name


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda baseline: baseline.name)
def test_scores_are_probabilities_and_repeat(
    baseline: Baseline, cheated_by_length: tuple[list[str], list[int]]
) -> None:
    prefixes, labels = cheated_by_length
    first, again = (
        fit_predict(baseline, prefixes[:200], np.array(labels[:200]), prefixes[200:], seed=0) for _ in range(2)
    )
    assert first.shape == (100,)
    assert ((first >= 0) & (first <= 1)).all()
    assert np.array_equal(first, again)


def test_words_that_training_never_saw_are_no_error() -> None:
    prefixes, labels = ["sin x", "exp x"] * 20, [1, 0] * 20
    for name in BY_NAME:
        assert np.isfinite(_scores(name, prefixes, labels, ["atan add int 4 2 end pi"])).all(), name


def test_names_and_titles_are_distinct() -> None:
    assert len({baseline.name for baseline in BASELINES}) == len({baseline.title for baseline in BASELINES}) == 6
