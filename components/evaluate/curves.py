"""The curves of an evaluation, thinned to what a plot or a user interface can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.metrics import roc_curve

from intclass.components.evaluate.arrays import Floats, Ints
from intclass.components.evaluate.metrics import Scored

MAX_POINTS: Final = 201
SCORE_BINS: Final = 20


@dataclass(frozen=True, kw_only=True)
class Roc:
    """False and true positive rates at falling thresholds; the first threshold, 1, answers nothing as positive."""

    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    thresholds: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Points of y over rising x."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How many examples of each true class got a score in each bin; `edges` has one more entry than the counts."""

    edges: tuple[float, ...]
    negatives: tuple[int, ...]
    positives: tuple[int, ...]


def roc(scored: Scored) -> Roc:
    """The ROC curve, at most MAX_POINTS points."""
    fpr, tpr, thresholds = roc_curve(scored.labels, scored.probabilities)
    kept = _thinned(len(fpr))
    finite = np.minimum(thresholds, 1.0)  # scikit-learn's first threshold is infinite, which JSON cannot say
    return Roc(fpr=_floats(fpr[kept]), tpr=_floats(tpr[kept]), thresholds=_floats(finite[kept]))


def coverage_curve(scored: Scored) -> Curve:
    """Accuracy over the share of examples answered, surest first, from 5 % of them (fewer are all noise) to all.

    Equally sure examples enter together.
    """
    order = np.argsort(-scored.confidence, kind="stable")
    confidence, answered = scored.confidence[order], np.arange(1, len(order) + 1)
    accuracy = np.cumsum(scored.correct[order]) / answered
    group_ends = np.r_[confidence[1:] != confidence[:-1], True]
    shown = np.flatnonzero(group_ends & (answered >= 0.05 * len(order)))
    kept = shown[_thinned(len(shown))]
    return Curve(x=_floats(answered[kept] / len(order)), y=_floats(accuracy[kept]))


def score_histogram(scored: Scored) -> Histogram:
    """The scores of each true class over SCORE_BINS equal bins of [0, 1]."""
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    counts = [np.histogram(scored.probabilities[scored.labels == label], edges)[0] for label in (0, 1)]
    negatives, positives = (tuple(int(count) for count in each) for each in counts)
    return Histogram(edges=_floats(edges), negatives=negatives, positives=positives)


def _thinned(points: int) -> Ints:
    """The indices of at most MAX_POINTS points at even steps, the first and the last among them."""
    return np.unique(np.linspace(0, points - 1, min(points, MAX_POINTS)).round().astype(np.int64))


def _floats(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)
