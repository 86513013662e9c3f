"""Every metric against scikit-learn, or against a case done by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from intclass.components.evaluate.metrics import LOWER_IS_BETTER, TITLES, Scored, heading, measure


def _random(seed: int, *, decimals: int) -> Scored:
    """300 examples, 30 % positive, with scores that overlap; few decimals make many ties."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(300) < 0.3).astype(np.int64)
    scores = np.clip(rng.normal(0.35 + 0.3 * labels, 0.2), 0, 1).round(decimals)
    return Scored(labels, scores)


_REFERENCE: dict[str, Callable[[Any, Any, Any, Any], float]] = {
    "accuracy": lambda y, p, c, w: sk.accuracy_score(y, c, sample_weight=w),
    "balanced_accuracy": lambda y, p, c, w: sk.balanced_accuracy_score(y, c, sample_weight=w),
    "f1": lambda y, p, c, w: sk.f1_score(y, c, sample_weight=w),
    "mcc": lambda y, p, c, w: sk.matthews_corrcoef(y, c, sample_weight=w),
    "auroc": lambda y, p, c, w: sk.roc_auc_score(y, p, sample_weight=w),
    "auprc": lambda y, p, c, w: sk.average_precision_score(y, p, sample_weight=w),
    "auprc_negative": lambda y, p, c, w: sk.average_precision_score(1 - y, 1 - p, sample_weight=w),
    "brier": lambda y, p, c, w: sk.brier_score_loss(y, p, sample_weight=w),
    "nll": lambda y, p, c, w: sk.log_loss(y, p, sample_weight=w),
}


@pytest.mark.parametrize("metric", _REFERENCE)
@pytest.mark.parametrize("decimals", [1, 2, 8])
def test_agrees_with_scikit_learn_whatever_the_weights(metric: str, decimals: int) -> None:
    scored = _random(decimals, decimals=decimals)
    weights = np.random.default_rng(1).integers(0, 4, (5, 300)).astype(float)
    weights[0] = 1
    expected = [_REFERENCE[metric](scored.labels, scored.probabilities, scored.predicted, weight) for weight in weights]
    np.testing.assert_allclose(measure(scored, weights)[metric], expected, rtol=1e-9)


def test_without_weights_every_example_counts_once() -> None:
    scored = _random(0, decimals=2)
    for name, value in measure(scored).items():
        assert value == pytest.approx(measure(scored, np.ones((1, 300)))[name]), name


def test_every_metric_has_a_title() -> None:
    assert measure(_random(0, decimals=2)).keys() == TITLES.keys()
    assert TITLES.keys() > LOWER_IS_BETTER
    assert heading("brier") == "Brier score\N{NO-BREAK SPACE}↓"
    assert heading("auroc") == "AUROC"


def test_calibration_error_by_hand() -> None:
    # 150 examples in 15 bins of ten; each bin says p and is right half the time, so it is off by |p - 0.5|.
    probabilities = np.repeat(np.arange(1, 16) / 16, 10)
    scored = Scored(np.tile([0, 1], 75), probabilities)
    assert measure(scored)["ece"][0] == pytest.approx(np.mean(np.abs(np.arange(1, 16) / 16 - 0.5)))


def test_calibration_error_of_a_constant_is_its_distance_from_the_share() -> None:
    scored = Scored(np.array([1, 0, 0, 0]), np.full(4, 0.4))
    assert measure(scored)["ece"][0] == pytest.approx(0.15)


def test_accuracy_on_the_surest_by_hand() -> None:
    # Ten answers, ever less sure; the last two are wrong.
    probabilities = np.array([0.99, 0.98, 0.97, 0.96, 0.95, 0.94, 0.93, 0.92, 0.91, 0.90])
    measured = measure(Scored(np.array([1] * 8 + [0] * 2), probabilities))
    assert measured["accuracy_at_80"][0] == pytest.approx(1)
    assert measured["accuracy_at_90"][0] == pytest.approx(8 / 9)
    assert measured["accuracy_at_95"][0] == pytest.approx(8 / 9.5)  # half of the tenth
    assert measured["aurc"][0] == pytest.approx((1 / 9 + 2 / 10) / 10)


def test_equally_sure_answers_are_exchangeable() -> None:
    labels = np.array([1, 1, 1, 0, 0])
    for order in (np.arange(5), np.arange(5)[::-1]):
        measured = measure(Scored(labels[order], np.full(5, 0.7)))
        assert measured["accuracy_at_80"][0] == pytest.approx(0.6)
        assert measured["aurc"][0] == pytest.approx(0.4)


def test_a_perfect_classifier_is_perfect() -> None:
    labels = np.array([0, 0, 1, 1])
    measured = {name: value[0] for name, value in measure(Scored(labels, labels.astype(float))).items()}
    for name, value in measured.items():
        assert value == pytest.approx(0 if name in LOWER_IS_BETTER else 1, abs=1e-12), name


@pytest.mark.parametrize("present", [0, 1])
def test_where_a_class_is_absent_what_needs_both_is_undefined(present: int) -> None:
    labels = np.array([0, 0, 1, 1])
    weights = np.array([(labels == present).astype(float), np.ones(4)])
    measured = measure(Scored(labels, np.array([0.1, 0.2, 0.8, 0.9])), weights)
    undefined = {name for name, value in measured.items() if np.isnan(value[0])}
    assert undefined == {"balanced_accuracy", "f1", "mcc", "auroc", "auprc", "auprc_negative"}
    assert measured["accuracy"][0] == 1
    assert not any(np.isnan(value[1]) for value in measured.values())


def test_scores_must_fit_the_labels() -> None:
    with pytest.raises(AssertionError, match="one probability for each label"):
        Scored(np.array([0, 1]), np.array([0.5]))
    with pytest.raises(AssertionError, match="numbers"):
        Scored(np.array([0]), np.array([np.nan]))
