"""The test splits of functions unlike those of the training split: of another generator, size or shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from intclass.components.evaluate.bootstrap import Estimate, sample_metrics
from intclass.components.evaluate.metrics import Scored

TITLES: Final[Mapping[str, str]] = {
    "test_generator": "Functions of a generator that the training split does not have",
    "test_size": "Functions larger than any in the training split",
    "test_structure": "Functions of tree shapes that the training split does not have",
}


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """One such split: every classifier's metrics by the classifier's name, undefined ones nan."""

    split: str
    examples: int
    positives: int
    metrics: Mapping[str, Mapping[str, Estimate]]

    @property
    def title(self) -> str:
        """What the functions are, in words."""
        return TITLES[self.split]

    @property
    def majority_share(self) -> float:
        """The share of the split's larger class."""
        return max(self.positives, self.examples - self.positives) / self.examples

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> HeldOut:
        """The inverse of `dataclasses.asdict`."""
        metrics = {
            name: {metric: Estimate(**each) for metric, each in found.items()}
            for name, found in fields["metrics"].items()
        }
        return cls(**{**fields, "metrics": metrics})


def measure_held_out(split: str, scored: Mapping[str, Scored], *, bootstrap: int, seed: int) -> HeldOut:
    """The metrics of each classifier on a split, with their intervals."""
    labels = next(iter(scored.values())).labels
    sampled = sample_metrics(scored, replicates=bootstrap, seed=seed)
    return HeldOut(
        split=split,
        examples=len(labels),
        positives=int(labels.sum()),
        metrics={name: each.estimates() for name, each in sampled.items()},
    )
