"""Bootstrap intervals: how far a number would move on another test set of the same size (Efron 1979)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from intclass.components.evaluate.arrays import Floats
from intclass.components.evaluate.metrics import Scored, measure

CONFIDENCE: Final = 0.95
_CHUNK_ELEMENTS: Final = 4_000_000  # floats of weights held at once: 32 MB


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % bootstrap percentile interval; nan where the test set leaves it undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Sampled:
    """One classifier's metrics: each one's value, and its value on every replicate (replicates,)."""

    values: Mapping[str, float]
    replicates: Mapping[str, Floats]

    def estimates(self) -> dict[str, Estimate]:
        """Every metric with its interval.

        Resampling adds noise inside each calibration bin, so the interval of `ece` leans upwards.
        """
        return {name: _estimate(value, self.replicates[name]) for name, value in self.values.items()}

    def margin(self, other: Sampled, metric: str) -> Estimate:
        """This classifier's metric minus the other's, paired: both saw the same replicates."""
        difference = self.values[metric] - other.values[metric]
        return _estimate(difference, self.replicates[metric] - other.replicates[metric])


def sample_metrics(scored: Mapping[str, Scored], *, replicates: int, seed: int) -> dict[str, Sampled]:
    """Every classifier's metrics on the whole test set and on `replicates` resamples of it, the same for all."""
    examples = len(next(iter(scored.values())).labels)
    parts: dict[str, list[dict[str, Floats]]] = {name: [] for name in scored}
    for weights in _resamples(examples, replicates=replicates, seed=seed):
        for name, one in scored.items():
            parts[name].append(measure(one, weights))
    return {
        name: Sampled(
            values={metric: float(value[0]) for metric, value in measure(one).items()},
            replicates={metric: np.concatenate([part[metric] for part in parts[name]]) for metric in parts[name][0]},
        )
        for name, one in scored.items()
    }


def _resamples(examples: int, *, replicates: int, seed: int) -> Iterator[Floats]:
    """How often each example was drawn in each resample, in chunks of (rows, examples)."""
    generator = np.random.default_rng(seed)
    rows = max(1, _CHUNK_ELEMENTS // examples)
    for start in range(0, replicates, rows):
        count = min(rows, replicates - start)
        drawn = generator.integers(examples, size=(count, examples))
        flat = (drawn + np.arange(count)[:, None] * examples).ravel()
        yield np.bincount(flat, minlength=count * examples).reshape(count, examples).astype(float)


def _estimate(value: float, replicates: Floats) -> Estimate:
    defined = replicates[~np.isnan(replicates)]  # a resample of a small test set can lack a class
    if np.isnan(value) or not len(defined):
        return Estimate(_rounded(value), float("nan"), float("nan"))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return Estimate(_rounded(value), _rounded(low), _rounded(high))


def _rounded(number: float) -> float:
    """To 12 digits: the order in which a processor's threads add decides the last ones."""
    return float(f"{number:.12g}")
