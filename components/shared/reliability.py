"""Reliability: does a probability of 0.8 come true eight times in ten?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAX_BINS: Final = 15
MIN_EXAMPLES: Final = 10


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Examples of similar probability: what was said on average, and how often it was so, with a 95 % interval."""

    examples: int
    mean_probability: float
    positive_share: float
    low: float
    high: float


def equal_mass_bins(probabilities: Floats) -> Ints:
    """The bin of each example, (n,), from 0: MAX_BINS bins of about equal count (Nguyen and O'Connor 2015).

    There are fewer where a bin would hold less than MIN_EXAMPLES, and as equal probabilities always share a bin.
    """
    bins = min(MAX_BINS, max(1, len(probabilities) // MIN_EXAMPLES))
    inner_edges = np.quantile(probabilities, np.linspace(0, 1, bins + 1)[1:-1])
    raw = np.searchsorted(np.unique(inner_edges), probabilities, side="right")
    return np.unique(raw, return_inverse=True)[1].astype(np.int64)


def reliability(labels: Ints, probabilities: Floats) -> tuple[ReliabilityBin, ...]:
    """The reliability diagram's points over equal-mass bins, in rising probability; intervals are Wilson's."""
    bin_of = equal_mass_bins(probabilities)
    return tuple(_bin(labels[bin_of == index], probabilities[bin_of == index]) for index in range(bin_of.max() + 1))


def _bin(labels: Ints, probabilities: Floats) -> ReliabilityBin:
    low, high = wilson_interval(int(labels.sum()), len(labels))
    return ReliabilityBin(
        examples=len(labels),
        mean_probability=float(probabilities.mean()),
        positive_share=float(labels.mean()),
        low=low,
        high=high,
    )


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927): sound for small groups and for shares near 0 and 1."""
    from scipy.stats import binomtest  # takes a second to import, which a server that only reads bins can do without

    interval = binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)
