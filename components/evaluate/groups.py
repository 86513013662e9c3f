"""Where a model is good and where it is not: its accuracy on parts of the test split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from intclass.components.evaluate.arrays import Bools
from intclass.components.evaluate.features import LEAVES, nodes
from intclass.components.shared.reliability import wilson_interval

MAX_GROUPS: Final = 12
NODE_BINS: Final = 6
OTHER: Final = "other"
UNKNOWN_SIZE: Final = "not drawn"


@dataclass(frozen=True, kw_only=True)
class Group:
    """A part of the test split: the model's accuracy with a 95 % Wilson interval, beside what is easy there.

    `majority` is the share of the group's own larger class; `baseline` is the best baseline's accuracy.
    """

    name: str
    examples: int
    positives: int
    accuracy: float
    low: float
    high: float
    baseline: float

    @property
    def majority(self) -> float:
        """The accuracy of always answering the group's own larger class."""
        return max(self.positives, self.examples - self.positives) / self.examples


def measure_groups(
    rows: Sequence[Mapping[str, Any]], *, model_correct: Bools, baseline_correct: Bools
) -> dict[str, tuple[Group, ...]]:
    """The test split by size (drawn, and as nodes of the canonical tree), by origin, by evidence and by operator.

    `rows` are rows of the examples table; a row has one place in every grouping but `operator`, where it counts once
    for each operator that occurs in it.
    """
    memberships: dict[str, list[set[str]]] = {
        "internal_nodes": [{_drawn_size(row)} for row in rows],
        "num_nodes": _binned([int(row["num_nodes"]) for row in rows]),
        "grammar": [{row["grammar"] or "none"} for row in rows],
        "generator": [{row["generator"]} for row in rows],
        "reason": _commonest([{row["reason"]} for row in rows]),
        "certificate": _commonest([{_certificate(row)} for row in rows]),
        "operator": _commonest([_operators(row["prefix"]) for row in rows], others=False),
    }
    labels = np.array([row["label"] for row in rows])

    def group(name: str, members: list[set[str]]) -> Group:
        inside = np.array([name in each for each in members])
        right, size = int(model_correct[inside].sum()), int(inside.sum())
        low, high = wilson_interval(right, size)
        return Group(
            name=name,
            examples=size,
            positives=int(labels[inside].sum()),
            accuracy=right / size,
            low=low,
            high=high,
            baseline=float(baseline_correct[inside].mean()),
        )

    return {by: tuple(group(name, each) for name in _ordered(by, each)) for by, each in memberships.items()}


def _drawn_size(row: Mapping[str, Any]) -> str:
    return UNKNOWN_SIZE if row["internal_nodes"] is None else str(row["internal_nodes"])


def _certificate(row: Mapping[str, Any]) -> str:
    """What proves the row's label, without the particulars: the theorem, the program, the kind of check."""
    certificate = row.get("certificate") or "none"
    return "differentiation" if certificate.startswith("derivative ") else str(certificate).partition(":")[0]


def _binned(sizes: list[int]) -> list[set[str]]:
    """Each size's bin (`7-9`), of NODE_BINS bins of about equal count."""
    edges = np.unique(np.quantile(sizes, np.linspace(0, 1, NODE_BINS + 1)).astype(int))
    lows = edges[:-1] if len(edges) > 1 else edges
    highs = np.r_[lows[1:] - 1, max(sizes)]
    names = [str(low) if low == high else f"{low}-{high}" for low, high in zip(lows, highs, strict=True)]
    return [{names[np.searchsorted(lows, size, side="right") - 1]} for size in sizes]


def _operators(prefix: str) -> set[str]:
    """The functions and operations in it, `add` and `mul` apart: they are nearly everywhere."""
    return {node.word for node in nodes(prefix)} - {"add", "mul"} - LEAVES


def _commonest(members: list[set[str]], *, others: bool = True) -> list[set[str]]:
    """The members with all but the MAX_GROUPS commonest names replaced by OTHER, or dropped."""
    counts = Counter(name for names in members for name in names)
    kept = {name for name, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_GROUPS]}
    rest = {OTHER} if others else set()
    return [names & kept | (rest if names - kept else set()) for names in members]


def _ordered(by: str, members: Iterable[set[str]]) -> list[str]:
    """Sizes by number, all else by count, and what has no size or no name of its own last."""
    counts = Counter(name for names in members for name in names)
    if by in {"internal_nodes", "num_nodes"}:
        sizes = sorted(counts.keys() - {UNKNOWN_SIZE}, key=lambda name: int(name.split("-")[0]))
        return sizes + [UNKNOWN_SIZE] * (UNKNOWN_SIZE in counts)
    return sorted(counts, key=lambda name: (name == OTHER, -counts[name], name))
