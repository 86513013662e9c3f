"""What a binary classifier is worth: every metric for many weightings of the same test set at once.

A bootstrap replicate of a test set is a weight for each example (how often it was drawn), so a metric that takes a
matrix of weights gives its value and all its replicates in a few matrix products. scikit-learn measures one sample at
a time; the tests hold every metric here against it. Shapes: n examples, w weightings, g groups of equal score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from intclass.components.evaluate.arrays import Bools, Floats, Ints
from intclass.components.shared.reliability import equal_mass_bins

COVERAGES: Final = (0.80, 0.90, 0.95)


def coverage_name(coverage: float) -> str:
    """The metric's name for the accuracy on that surest share of the examples: `accuracy_at_80`."""
    return f"accuracy_at_{100 * coverage:.0f}"


TITLES: Final = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "f1": "F1",
    "mcc": "MCC",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "auprc_negative": "AUPRC of the negative class",
    "brier": "Brier score",
    "nll": "Log loss",
    "ece": "ECE",
    "aurc": "Area under the risk-coverage curve",
    **{
        coverage_name(coverage): f"Accuracy on the surest {100 * coverage:.0f}\N{NO-BREAK SPACE}%"
        for coverage in COVERAGES
    },
}
LOWER_IS_BETTER: Final = frozenset({"brier", "nll", "ece", "aurc"})
# They set the classes against each other: with one alone they are undefined, though a formula may give a number.
_NEED_BOTH_CLASSES: Final = ("balanced_accuracy", "f1", "mcc", "auroc", "auprc", "auprc_negative")


def heading(metric: str) -> str:
    """The metric's title for a table, with an arrow down where lower is better."""
    return TITLES[metric] + ("\N{NO-BREAK SPACE}\N{DOWNWARDS ARROW}" if metric in LOWER_IS_BETTER else "")


@dataclass(frozen=True, eq=False)
class Scored:
    """A test set with a classifier's answers: `labels` (n,) of 0 and 1, `probabilities` (n,) of class 1 in [0, 1]."""

    labels: Ints
    probabilities: Floats

    def __post_init__(self) -> None:
        assert self.labels.shape == self.probabilities.shape, "one probability for each label"
        assert np.isfinite(self.probabilities).all(), "probabilities are numbers"

    @property
    def predicted(self) -> Ints:
        """The class of each example at threshold 0.5, (n,)."""
        return (self.probabilities >= 0.5).astype(np.int64)

    @property
    def correct(self) -> Bools:
        """Whether the class is right, (n,)."""
        return np.asarray(self.predicted == self.labels)

    @property
    def confidence(self) -> Floats:
        """The probability of the class that is answered, (n,), in [0.5, 1]."""
        return np.maximum(self.probabilities, 1 - self.probabilities)


def measure(scored: Scored, weights: Floats | None = None) -> dict[str, Floats]:
    """Every metric of TITLES by name, each (w,): one value for each row of `weights` (w, n); default one row of ones.

    A metric that a weighting leaves undefined (a class is absent) is nan there.
    """
    weights = np.ones((1, len(scored.labels))) if weights is None else weights
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {
            **_decision_metrics(scored, weights),
            **_ranking_metrics(scored, weights),
            **_probability_metrics(scored, weights),
            **_selective_metrics(scored, weights),
        }
    positives = weights @ scored.labels
    one_class = (positives == 0) | (positives == weights.sum(axis=1))
    return values | {name: np.where(one_class, np.nan, values[name]) for name in _NEED_BOTH_CLASSES}


def _decision_metrics(scored: Scored, weights: Floats) -> dict[str, Floats]:
    label, predicted = scored.labels == 1, scored.predicted == 1
    cells = np.stack([label & predicted, ~label & predicted, label & ~predicted, ~label & ~predicted], axis=1)
    tp, fp, fn, tn = (weights @ cells.astype(float)).T
    # F1 and MCC are 0, as in scikit-learn, where nothing was predicted positive.
    mcc_scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return {
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
        "balanced_accuracy": (tp / (tp + fn) + tn / (tn + fp)) / 2,
        "f1": _ratio_or_zero(2 * tp, 2 * tp + fp + fn),
        "mcc": _ratio_or_zero(tp * tn - fp * fn, mcc_scale),
    }


def _ranking_metrics(scored: Scored, weights: Floats) -> dict[str, Floats]:
    """AUROC as the Mann-Whitney statistic, ties counted half; AUPRC as average precision (no interpolation)."""
    groups = _TieGroups(scored.probabilities)
    positive = groups.sums(weights * (scored.labels == 1))  # (w, g), rising score
    negative = groups.sums(weights * (scored.labels == 0))
    positives, negatives = positive.sum(axis=1), negative.sum(axis=1)
    below = np.cumsum(negative, axis=1) - negative
    return {
        "auroc": (positive * (below + negative / 2)).sum(axis=1) / (positives * negatives),
        "auprc": _average_precision(positive[:, ::-1], negative[:, ::-1]),
        "auprc_negative": _average_precision(negative, positive),
    }


def _average_precision(hits: Floats, misses: Floats) -> Floats:
    """Sum over thresholds of precision times the rise in recall; columns run from the surest group down."""
    found, missed = np.cumsum(hits, axis=1), np.cumsum(misses, axis=1)
    precision = np.divide(found, found + missed, out=np.zeros_like(found), where=found + missed > 0)
    return np.asarray((precision * hits).sum(axis=1) / hits.sum(axis=1))


def _probability_metrics(scored: Scored, weights: Floats) -> dict[str, Floats]:
    label, p = scored.labels.astype(float), scored.probabilities
    clipped = np.clip(p, np.finfo(float).eps, 1 - np.finfo(float).eps)
    log_loss = -(label * np.log(clipped) + (1 - label) * np.log1p(-clipped))
    total = weights.sum(axis=1)
    # Expected calibration error: |sum of (probability - label)| in each bin, over all examples.
    bins = equal_mass_bins(p)
    gap_by_bin = np.zeros((len(p), bins.max() + 1))
    gap_by_bin[np.arange(len(p)), bins] = p - label
    return {
        "brier": weights @ (p - label) ** 2 / total,
        "nll": weights @ log_loss / total,
        "ece": np.abs(weights @ gap_by_bin).sum(axis=1) / total,
    }


def _selective_metrics(scored: Scored, weights: Floats) -> dict[str, Floats]:
    """What is left when the least sure answers are withheld (El-Yaniv and Wiener 2010).

    Equally sure examples are taken in equal parts, so that the order of the rows cannot matter.
    """
    groups = _TieGroups(-scored.confidence)
    mass, right = groups.sums(weights), groups.sums(weights * scored.correct)
    mass_up_to, right_up_to = np.cumsum(mass, axis=1), np.cumsum(right, axis=1)
    total, rows = mass_up_to[:, -1], np.arange(len(weights))
    metrics = {"aurc": (mass * (1 - right_up_to / np.maximum(mass_up_to, 1e-300))).sum(axis=1) / total}
    for coverage in COVERAGES:
        wanted = coverage * total
        last = (mass_up_to >= wanted[:, None] - 1e-9).argmax(axis=1)
        surplus = mass_up_to[rows, last] - wanted
        share = right[rows, last] / mass[rows, last]
        metrics[coverage_name(coverage)] = (right_up_to[rows, last] - surplus * share) / wanted
    return metrics


class _TieGroups:
    """Examples in rising order of a score, equal scores taken together."""

    def __init__(self, scores: Floats) -> None:
        self._order = np.argsort(scores, kind="stable")
        ordered = scores[self._order]
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def sums(self, values: Floats) -> Floats:
        """The sum of `values` (w, n) over each group, (w, g)."""
        return np.asarray(np.add.reduceat(values[:, self._order], self._starts, axis=1))


def _ratio_or_zero(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
