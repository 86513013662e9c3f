from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import auc, roc_auc_score

from intclass.components.evaluate.curves import MAX_POINTS, coverage_curve, roc, score_histogram
from intclass.components.evaluate.metrics import Scored


@pytest.fixture(scope="module")
def many() -> Scored:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 5000)
    return Scored(labels, np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1))


def test_roc_is_thinned_but_covers_the_same_area(many: Scored) -> None:
    curve = roc(many)
    assert len(curve.fpr) == len(curve.tpr) == len(curve.thresholds) <= MAX_POINTS
    assert auc(curve.fpr, curve.tpr) == pytest.approx(roc_auc_score(many.labels, many.probabilities), abs=2e-3)


def test_roc_goes_from_corner_to_corner_at_finite_falling_thresholds(many: Scored) -> None:
    curve = roc(many)
    assert (curve.fpr[0], curve.tpr[0], curve.thresholds[0]) == (0, 0, 1)
    assert (curve.fpr[-1], curve.tpr[-1]) == (1, 1)
    assert list(curve.thresholds) == sorted(curve.thresholds, reverse=True)
    json.dumps(curve.thresholds, allow_nan=False)


def test_coverage_ends_at_the_accuracy(many: Scored) -> None:
    curve = coverage_curve(many)
    assert curve.x[-1] == 1
    assert curve.y[-1] == pytest.approx(many.correct.mean(), abs=1e-6)
    assert curve.x[0] >= 0.05
    assert curve.y[0] > curve.y[-1]


def test_coverage_of_equally_sure_answers_is_one_point() -> None:
    curve = coverage_curve(Scored(np.array([1, 0, 1, 1]), np.full(4, 0.6)))
    assert (curve.x, curve.y) == ((1.0,), (0.75,))


def test_histogram_counts_each_example_once() -> None:
    histogram = score_histogram(Scored(np.array([0, 0, 1, 1]), np.array([0.0, 0.52, 0.52, 1.0])))
    assert (sum(histogram.negatives), sum(histogram.positives)) == (2, 2)
    assert (histogram.negatives[0], histogram.negatives[10]) == (1, 1)
    assert (histogram.positives[10], histogram.positives[-1]) == (1, 1)
    assert len(histogram.edges) == len(histogram.positives) + 1
