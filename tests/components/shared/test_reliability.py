from __future__ import annotations

import numpy as np
import pytest

from intclass.components.shared.reliability import equal_mass_bins, reliability, wilson_interval


def test_bins_hold_about_the_same_number() -> None:
    probabilities = np.random.default_rng(0).random(1000)
    counts = np.bincount(equal_mass_bins(probabilities))
    assert len(counts) == 15
    assert counts.min() >= 66
    assert counts.max() <= 68


@pytest.mark.parametrize(("examples", "bins"), [(5, 1), (19, 1), (20, 2), (99, 9), (150, 15), (10_000, 15)])
def test_small_sets_have_fewer_bins(examples: int, bins: int) -> None:
    assert len(set(equal_mass_bins(np.linspace(0, 1, examples)))) == bins


def test_bins_rise_with_the_probability() -> None:
    probabilities = np.random.default_rng(1).random(200)
    order = np.argsort(probabilities)
    assert (np.diff(equal_mass_bins(probabilities)[order]) >= 0).all()


def test_equal_probabilities_share_a_bin() -> None:
    probabilities = np.array([0.1] * 50 + [0.5] * 3 + [0.9] * 47)
    bins = equal_mass_bins(probabilities)
    assert {value: len(set(bins[probabilities == value])) for value in (0.1, 0.5, 0.9)} == {0.1: 1, 0.5: 1, 0.9: 1}
    assert set(equal_mass_bins(np.full(700, 0.3))) == {0}


def test_a_reliability_bin_says_what_was_stated_and_what_was_so() -> None:
    labels = np.repeat([0, 0, 1, 1, 1, 1], 4)
    probabilities = np.repeat([0.1, 0.2, 0.3, 0.7, 0.8, 0.9], 4)
    low, high = reliability(labels, probabilities)
    assert (low.examples, high.examples) == (12, 12)
    assert low.mean_probability == pytest.approx(0.2)
    assert low.positive_share == pytest.approx(1 / 3)
    assert high.mean_probability == pytest.approx(0.8)
    assert high.positive_share == 1
    assert low.low < low.positive_share < low.high


def test_wilson_interval_by_hand() -> None:
    # n = 10, k = 5, z = 1.96: (0.5 + z²/20 ± z·sqrt(0.025 + z²/400)) / (1 + z²/10)
    assert wilson_interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson_interval(10, 10)[0] == pytest.approx(0.7225, abs=1e-4)  # does not collapse at 1
