"""Does an answer stay the same when the function is rewritten in a way that cannot change the truth?"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from intclass.components.evaluate.arrays import Floats
from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.evaluate.probes.rewritings import REWRITINGS, Rewriting
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import from_prefix, to_text
from intclass.components.shared.reliability import wilson_interval

MAX_WORST: Final = 5

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Change:
    """A function before and after a rewriting, as text, with the probabilities of class 1; `label` is the truth."""

    before: str
    after: str
    probability_before: float
    probability_after: float
    label: int


@dataclass(frozen=True, kw_only=True)
class Invariance:
    """What a rewriting did to a classifier's answers.

    Attributes:
        name: The rewriting's.
        title: As a reader sees it.
        functions: On how many it could be tried: where it gives words that differ from the function's own.
        consistency: The share whose answer did not change, with its 95 % Wilson interval.
        mean_change: The mean absolute change of the probability.
        worst: The largest changes.
    """

    name: str
    title: str
    functions: int
    consistency: Estimate
    mean_change: float
    worst: tuple[Change, ...]

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of `dataclasses.asdict`."""
        return cls(
            **{
                **fields,
                "consistency": Estimate(**fields["consistency"]),
                "worst": tuple(Change(**each) for each in fields["worst"]),
            }
        )


@dataclass(frozen=True, kw_only=True)
class _Rewritten:
    rewriting: Rewriting
    before: str
    after: str
    label: int


class InvarianceProbe:
    """Functions and their rewritings: `prefixes` are what a classifier is asked, `measure` reads its answers."""

    def __init__(self, rows: Sequence[Row], *, count: int, seed: int) -> None:
        """Rewrite `count` of the rows, drawn by the seed; a row has `prefix`, `fingerprint` and `label`."""
        ordered = sorted(rows, key=lambda row: str(row["fingerprint"]))
        drawn = random.Random(seed).sample(ordered, min(count, len(ordered)))
        self._cases = [case for row in drawn for case in _rewritten(row, seed)]

    @property
    def prefixes(self) -> list[str]:
        """Prefix words: each case before its rewriting, then each after it."""
        return [case.before for case in self._cases] + [case.after for case in self._cases]

    def measure(self, probabilities: Floats) -> tuple[Invariance, ...]:
        """One result for each rewriting that could be tried, from the probabilities (n,) of `prefixes`."""
        before, after = np.split(probabilities, 2)
        places: dict[str, list[int]] = {}
        for place, case in enumerate(self._cases):
            places.setdefault(case.rewriting.name, []).append(place)
        return tuple(
            self._result(rewriting, np.array(places[rewriting.name]), before, after)
            for rewriting in REWRITINGS
            if rewriting.name in places
        )

    def _result(self, rewriting: Rewriting, places: Any, before: Floats, after: Floats) -> Invariance:  # noqa: ANN401
        change = np.abs(after[places] - before[places])
        same = int(((after[places] >= 0.5) == (before[places] >= 0.5)).sum())
        low, high = wilson_interval(same, len(places))
        worst = places[np.argsort(-change, kind="stable")[:MAX_WORST]]
        return Invariance(
            name=rewriting.name,
            title=rewriting.title,
            functions=len(places),
            consistency=Estimate(same / len(places), low, high),
            mean_change=float(change.mean()),
            worst=tuple(_change(self._cases[place], before[place], after[place]) for place in worst),
        )


def _rewritten(row: Row, seed: int) -> list[_Rewritten]:
    """The row's rewritings that say the same in other words."""
    prefix = str(row["prefix"])
    rng = random.Random(f"{seed}:{row['fingerprint']}")
    cases = []
    for rewriting in REWRITINGS:
        after = _try(rewriting, prefix, rng)
        if after is not None and after != prefix:
            cases.append(_Rewritten(rewriting=rewriting, before=prefix, after=after, label=int(row["label"])))
    return cases


def _try(rewriting: Rewriting, prefix: str, rng: random.Random) -> str | None:
    """What the rewriting gives; None where that is undefined or over a limit, as 1/(x - x) is."""
    try:
        return rewriting.rewrite(prefix, rng)
    except ExpressionError:
        return None


def _change(case: _Rewritten, before: float, after: float) -> Change:
    text_before, text_after = _text(case.before), _text(case.after)
    return Change(
        before=text_before,
        after=case.after if text_after == text_before else text_after,  # in another order of the words alone
        probability_before=float(before),
        probability_after=float(after),
        label=case.label,
    )


def _text(prefix: str) -> str:
    return to_text(from_prefix(prefix.split()))
