from __future__ import annotations

import math

import numpy as np
import pytest

from intclass.components.evaluate import bootstrap
from intclass.components.evaluate.bootstrap import sample_metrics
from intclass.components.evaluate.metrics import Scored


def _draw(rng: np.random.Generator, *, examples: int, accuracy: float) -> Scored:
    """A classifier that is right with probability `accuracy`, always 90 % sure."""
    labels = rng.integers(0, 2, examples)
    right = rng.random(examples) < accuracy
    return Scored(labels, np.where(labels == right, 0.9, 0.1))


def test_a_95_percent_interval_holds_the_truth_about_95_times_in_100() -> None:
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        sampled = sample_metrics({"a": _draw(rng, examples=200, accuracy=0.8)}, replicates=200, seed=seed)["a"]
        interval = sampled.estimates()["accuracy"]
        held += interval.low <= 0.8 <= interval.high
    assert 180 <= held <= 198  # 190 expected, standard deviation 3


def test_the_spread_of_the_accuracy_is_the_binomial_one() -> None:
    scored = _draw(np.random.default_rng(1), examples=1000, accuracy=0.9)
    sampled = sample_metrics({"a": scored}, replicates=2000, seed=0)["a"]
    share = sampled.values["accuracy"]
    assert sampled.replicates["accuracy"].std() == pytest.approx(math.sqrt(share * (1 - share) / 1000), rel=0.1)


def test_the_same_seed_gives_the_same_interval_however_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    scored = {"a": _draw(np.random.default_rng(2), examples=50, accuracy=0.7)}
    whole = sample_metrics(scored, replicates=130, seed=3)["a"]
    monkeypatch.setattr(bootstrap, "_CHUNK_ELEMENTS", 50 * 10)
    pieces = sample_metrics(scored, replicates=130, seed=3)["a"]
    np.testing.assert_allclose(whole.replicates["accuracy"], pieces.replicates["accuracy"])
    assert len(pieces.replicates["accuracy"]) == 130
    other = sample_metrics(scored, replicates=130, seed=4)["a"]
    assert not np.array_equal(whole.replicates["accuracy"], other.replicates["accuracy"])


def test_a_margin_is_paired() -> None:
    rng = np.random.default_rng(5)
    good = _draw(rng, examples=400, accuracy=0.8)
    wrong_too = np.where(np.arange(400) < 12, 1 - good.probabilities, good.probabilities)
    sampled = sample_metrics({"good": good, "worse": Scored(good.labels, wrong_too)}, replicates=500, seed=0)
    margin = sampled["good"].margin(sampled["worse"], "accuracy")
    assert margin.value == pytest.approx(sampled["good"].values["accuracy"] - sampled["worse"].values["accuracy"])
    alone = sampled["good"].estimates()["accuracy"]
    assert margin.high - margin.low < alone.high - alone.low  # what both get wrong cancels
    same = sampled["good"].margin(sampled["good"], "accuracy")
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_resamples_that_lack_a_class_are_left_out() -> None:
    labels = np.array([1] + [0] * 9)
    sampled = sample_metrics({"a": Scored(labels, np.linspace(0.9, 0.1, 10))}, replicates=200, seed=0)["a"]
    assert np.isnan(sampled.replicates["auroc"]).any()
    estimate = sampled.estimates()["auroc"]
    assert estimate.value == 1
    assert 0 <= estimate.low <= estimate.high <= 1


def test_what_is_undefined_has_no_interval() -> None:
    sampled = sample_metrics({"a": Scored(np.ones(5, dtype=np.int64), np.full(5, 0.9))}, replicates=100, seed=0)["a"]
    estimate = sampled.estimates()["auroc"]
    assert all(math.isnan(number) for number in (estimate.value, estimate.low, estimate.high))
    assert sampled.estimates()["accuracy"].low == 1
