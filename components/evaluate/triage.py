"""Which integrand to try first: a model as the front end of a computer algebra system.

Trying the integrands in falling order of p / E[seconds] finds most in any given time on average (Smith's rule for one
machine: W. E. Smith, Naval Research Logistics Quarterly 3, 1956). p is the model's probability; the time that a try
will take is read off two measured curves over the expression's size, one for tries that succeed and one for those that
do not. What the order is worth is measured on examples that neither the model nor those curves have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from intclass.components.evaluate.arrays import Floats, Ints
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.records import RANDOM_SPLITS

MOST_LOST: Final = 0.01  # the share of solvable integrands that may go untried
_SEARCHED: Final = frozenset({"forward", "short", "file"})  # generators whose functions come without a label
_SIZES: Final = 12  # bins of the time curves, with equally many examples each
_MIN_SECONDS: Final = 1e-4  # below the clock of a try
_CURVE_POINTS: Final = 101

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SolveTimes:
    """Mean seconds of a try by the number of nodes: two curves over sizes, linear between their points."""

    sizes: tuple[tuple[float, ...], tuple[float, ...]]  # of label 0, of label 1
    seconds: tuple[tuple[float, ...], tuple[float, ...]]

    @classmethod
    def fit(cls, examples: Sequence[Row]) -> Self:
        """Fit to the `num_nodes`, `label` and `seconds` of examples; raises RecordsError if a label is missing."""
        curves = [_mean_seconds([row for row in examples if row["label"] == label]) for label in (0, 1)]
        (sizes_0, seconds_0), (sizes_1, seconds_1) = curves
        return cls(sizes=(sizes_0, sizes_1), seconds=(seconds_0, seconds_1))

    def expected(self, num_nodes: Sequence[int], probabilities: Floats) -> Floats:
        """The expected seconds (n,) of a try, given the probability that it succeeds."""
        failing, succeeding = (
            np.interp(num_nodes, sizes, seconds) for sizes, seconds in zip(self.sizes, self.seconds, strict=True)
        )
        expected: Floats = probabilities * succeeding + (1 - probabilities) * failing
        return np.maximum(expected, _MIN_SECONDS)


@dataclass(frozen=True, kw_only=True)
class Tries:
    """Integrands with what is expected of trying them and, where it is known, what came of it; arrays (n,)."""

    worth: Floats  # expected successes per second
    solvable: Ints
    seconds: Floats

    @classmethod
    def of(cls, examples: Sequence[Row], probabilities: Floats, times: SolveTimes) -> Self:
        """Examples whose label and seconds are known, as if their solving were still to come."""
        return cls(
            worth=probabilities / times.expected([row["num_nodes"] for row in examples], probabilities),
            solvable=np.array([row["label"] for row in examples], dtype=np.int64),
            seconds=np.array([row["seconds"] for row in examples], dtype=np.float64),
        )

    @property
    def order(self) -> Ints:
        """Indices, the most worth first."""
        return np.argsort(-self.worth, kind="stable")


@dataclass(frozen=True, kw_only=True)
class TriageCurve:
    """The share of solvable integrands found over the share of all solver time spent, 0 to 1."""

    time: tuple[float, ...]
    found: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Triage:
    """What an order is worth on held-out examples.

    `saved` and `lost` are shares of the solver time and of the solvable integrands when nothing below a worth is tried
    that was chosen on other examples; `oracle_saved` is what knowing the answers would save.
    """

    least_worth: float
    saved: float
    lost: float
    oracle_saved: float
    seconds: float  # for trying everything
    integrands: int
    curve: TriageCurve
    oracle: TriageCurve

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of dataclasses.asdict, lists for tuples admitted."""
        curves = {
            name: TriageCurve(**{axis: tuple(values) for axis, values in fields[name].items()})
            for name in ("curve", "oracle")
        }
        return cls(**{**fields, **curves})


def triage_held_out(examples: Sequence[Row], predict: Callable[[list[str]], Floats]) -> Triage | None:
    """Times from the training split, the stop from the validation split, and what both give on the test split.

    `predict` gives the probabilities (n,) of prefix words. Only integrands that a solver searched count: the seconds of
    a label that was known by construction are those of its check. None where a split has too few of them to tell.
    """
    rows = {split: [row for row in examples if row["split"] == split and searched(row)] for split in RANDOM_SPLITS}
    if any(len({row["label"] for row in of_split}) < 2 for of_split in rows.values()):
        return None
    if not all(sum(row["seconds"] for row in of_split) > 0 for of_split in rows.values()):
        return None
    times = SolveTimes.fit(rows["train"])
    validation, test = (
        Tries.of(rows[split], predict([row["prefix"] for row in rows[split]]), times) for split in RANDOM_SPLITS[1:]
    )
    return assess_triage(test, least=least_worth(validation))


def searched(row: Row) -> bool:
    """Whether the example's seconds are those of a search."""
    return row["generator"] in _SEARCHED


def least_worth(tries: Tries, *, most_lost: float = MOST_LOST) -> float:
    """The worth below which trying stops, so that at most half of that share of the solvable is lost on these examples.

    Half, because on other examples it comes out a little differently. Raises RecordsError if nothing is solvable.
    """
    worths = np.sort(tries.worth[tries.solvable == 1])
    if len(worths) == 0:
        raise RecordsError("no integrand of the validation split is solvable: there is nothing to find")
    return float(worths[int(len(worths) * most_lost / 2)])


def assess_triage(tries: Tries, *, least: float) -> Triage:
    """What the order and the stop at that worth give on these examples; raises RecordsError if nothing is solvable."""
    total, solvable = float(tries.seconds.sum()), int(tries.solvable.sum())
    if solvable == 0 or total <= 0:
        raise RecordsError("the test split has no solvable integrand, or its seconds are all 0")
    tried = tries.worth >= least
    needed = float(tries.seconds[tries.solvable == 1].sum())
    with np.errstate(divide="ignore"):
        ideal = tries.solvable / np.maximum(tries.seconds, _MIN_SECONDS)
    return Triage(
        least_worth=least,
        saved=1 - float(tries.seconds[tried].sum()) / total,
        lost=1 - int(tries.solvable[tried].sum()) / solvable,
        oracle_saved=1 - needed / total,
        seconds=total,
        integrands=len(tries.seconds),
        curve=_curve(tries, tries.order),
        oracle=_curve(tries, np.argsort(-ideal, kind="stable")),
    )


def _curve(tries: Tries, order: Ints) -> TriageCurve:
    time = np.r_[0.0, np.cumsum(tries.seconds[order])] / tries.seconds.sum()
    found = np.r_[0.0, np.cumsum(tries.solvable[order])] / tries.solvable.sum()
    kept = np.unique(np.linspace(0, len(time) - 1, _CURVE_POINTS).round().astype(int))
    return TriageCurve(time=tuple(time[kept].tolist()), found=tuple(found[kept].tolist()))


def _mean_seconds(rows: Sequence[Row]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if not rows:
        raise RecordsError("the training split has examples of one class alone: there are no times to learn from")
    ordered = sorted(rows, key=lambda row: row["num_nodes"])
    bins = np.array_split(np.arange(len(ordered)), min(_SIZES, len(ordered)))
    sizes = [float(np.mean([ordered[place]["num_nodes"] for place in each])) for each in bins]
    seconds = [float(np.mean([ordered[place]["seconds"] for place in each])) for each in bins]
    return tuple(sizes), tuple(seconds)
