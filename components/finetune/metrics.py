"""What is measured on the validation split, and the temperature that is fitted there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.metrics import roc_auc_score

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CALIBRATION_BINS = 15
# Separable validation data would ask for a temperature of 0, that is, for certainty.
_TEMPERATURES: Final = (0.05, 20.0)


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Mean negative log likelihood, accuracy, and the area under the ROC curve (None where only one class occurs).

    `calibrated_loss` is the likelihood at the best temperature: that of the model as it will answer.
    """

    loss: float
    calibrated_loss: float
    accuracy: float
    auroc: float | None


def score(logits: Floats, labels: Ints) -> Scores:
    """The scores of logits (n, 2) against labels (n,)."""
    margins = logits[:, 1] - logits[:, 0]
    both = 0 < labels.sum() < len(labels)
    return Scores(
        loss=negative_log_likelihood(logits, labels),
        calibrated_loss=negative_log_likelihood(logits / fit_temperature(logits, labels), labels),
        accuracy=float(np.mean((margins > 0) == labels)),
        auroc=float(roc_auc_score(labels, margins)) if both else None,
    )


def negative_log_likelihood(logits: Floats, labels: Ints) -> float:
    """The mean over the examples, in nats."""
    return float(-np.mean(log_softmax(logits, axis=1)[np.arange(len(labels)), labels]))


def fit_temperature(logits: Floats, labels: Ints) -> float:
    """The temperature that minimises the negative log likelihood of logits (n, 2); 1 where only one class occurs.

    Guo et al. (2017), "On calibration of modern neural networks", section 4.2. Which class is likelier stays.
    """
    if not 0 < labels.sum() < len(labels):
        return 1.0
    found = minimize_scalar(
        lambda log_temperature: negative_log_likelihood(logits / math.exp(log_temperature), labels),
        bounds=tuple(math.log(bound) for bound in _TEMPERATURES),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return math.exp(found.x)


def calibration_error(logits: Floats, labels: Ints) -> float:
    """Expected calibration error: the mean gap between confidence and accuracy over 15 bins of equal width.

    After Guo et al. (2017), "On calibration of modern neural networks", section 2: the confidence is the predicted
    class's probability.
    """
    probabilities = softmax(logits, axis=1)
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=confidence - correct, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(labels))
