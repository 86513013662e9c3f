"""Where several engines were asked of one function: what each pair answered, and where one must be wrong."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# The order in which a table names them: answers first, then refusals, then failures.
STATUSES: Final = (
    *("solved", "unevaluated", "incomplete", "unverified", "wrong"),
    *("timeout", "memory", "crashed", "error"),
)
UNSETTLED: Final = "not settled"
# What `answers` holds besides engines: `integrate` asks the theorems last, where the engines have decided nothing.
THEOREMS: Final = "theorems"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two engines that were asked of the same functions: how often each pair of statuses came together."""

    first: str
    second: str
    counts: Mapping[tuple[str, str], int]

    @property
    def functions(self) -> int:
        """How many functions both were asked of."""
        return sum(self.counts.values())


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A function of which one engine's answer contradicts another's, or the check of its own.

    `right` names the engines that verification confirms, or is UNSETTLED.
    """

    integrand: str
    statuses: Mapping[str, str]  # by engine
    right: str
    reason: str


def asked_of_several(outcomes: pa.Table) -> pa.Table:
    """The rows of functions that two engines or more were asked of."""
    answers = outcomes["answers"].combine_chunks()
    engine = pc.not_equal(pc.list_flatten(answers).field("engine"), THEOREMS)
    asked = np.bincount(pc.list_parent_indices(answers).filter(engine), minlength=len(outcomes))
    return outcomes.filter(pa.array(asked > 1))


def pairs(outcomes: pa.Table) -> list[Pair]:
    """Every pair of engines that were asked of the same function."""
    counts: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for answers in asked_of_several(outcomes)["answers"].to_pylist():
        asked = {engine: status for engine, status in _statuses(answers).items() if engine != THEOREMS}
        for (first, status), (second, other) in itertools.combinations(sorted(asked.items()), 2):
            counts.setdefault((first, second), Counter())[status, other] += 1
    return [Pair(first=first, second=second, counts=found) for (first, second), found in sorted(counts.items())]


def disagreements(outcomes: pa.Table) -> list[Disagreement]:
    """Every function of which the engines' answers cannot all be right.

    An antiderivative that differentiates to something else is wrong by itself. An engine that ends without a result is
    contradicted by an elementary antiderivative that was checked; one that is not elementary contradicts nobody.
    """
    columns = ("integrand", "label", "reason", "answers")
    found = []
    for row in asked_of_several(outcomes).select(columns).to_pylist():
        statuses = _statuses(row["answers"])
        if _contradict(statuses, row["label"]):
            right = _right(statuses, row["label"])
            found.append(Disagreement(integrand=row["integrand"], statuses=statuses, right=right, reason=row["reason"]))
    return found


def _contradict(statuses: Mapping[str, str], label: str) -> bool:
    told = set(statuses.values())
    return "wrong" in told or ({"solved", "unevaluated"} <= told and label != "nonelementary")


def _right(statuses: Mapping[str, str], label: str) -> str:
    """Those who say what the label says: `elementary` has passed verification, `nonelementary` is proved."""
    confirmed = {"elementary": {"solved"}, "nonelementary": {"solved", "unevaluated"}}.get(label, set())
    return " and ".join(engine for engine, status in statuses.items() if status in confirmed) or UNSETTLED


def _statuses(answers: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {answer["engine"]: answer["status"] for answer in answers}
