from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from intclass.components.finetune.metrics import calibration_error, score

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(300, 2))
LABELS = (RNG.random(300) < 1 / (1 + np.exp(LOGITS[:, 0] - LOGITS[:, 1]))).astype(np.int64)


def test_scores_agree_with_scikit_learn() -> None:
    scores = score(LOGITS, LABELS)
    probabilities = 1 / (1 + np.exp(LOGITS[:, 0] - LOGITS[:, 1]))
    assert scores.loss == pytest.approx(log_loss(LABELS, probabilities))
    assert scores.accuracy == pytest.approx(accuracy_score(LABELS, probabilities > 0.5))
    assert scores.auroc == pytest.approx(roc_auc_score(LABELS, probabilities))


def test_the_curve_needs_both_classes() -> None:
    assert score(LOGITS, np.zeros(300, dtype=np.int64)).auroc is None


def test_large_logits_do_not_overflow() -> None:
    assert score(np.array([[1e4, -1e4]]), np.array([1])).loss == pytest.approx(2e4)


def test_calibration_error_by_hand() -> None:
    # Two say 0.9 and one is right (gap 0.4); two say 0.6 and both are right (gap 0.4 the other way).
    logits = np.log(np.array([[0.1, 0.9], [0.1, 0.9], [0.6, 0.4], [0.6, 0.4]]))
    assert calibration_error(logits, np.array([1, 0, 0, 0])) == pytest.approx(0.4)


def test_a_calibrated_model_has_a_small_error_and_a_boaster_a_large_one() -> None:
    assert calibration_error(LOGITS, LABELS) < 0.08 < calibration_error(20 * LOGITS, LABELS)


def test_a_boaster_is_chosen_by_what_it_says_once_it_is_calibrated() -> None:
    better = LOGITS + (2 * LABELS[:, None] - 1) * np.array([-0.2, 0.2])  # separates the classes a little more
    sober, boaster = score(LOGITS, LABELS), score(20 * better, LABELS)
    assert boaster.loss > sober.loss
    assert boaster.calibrated_loss < sober.calibrated_loss <= sober.loss
    assert boaster.calibrated_loss == pytest.approx(score(better, LABELS).calibrated_loss)
