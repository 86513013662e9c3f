"""Engines side by side: what each pair answered, and who is right where they cannot all be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from intclass.components.dataset._agreement import UNSETTLED, asked_of_several, disagreements, pairs
from intclass.components.shared.records import OUTCOMES

Make = Callable[..., Any]


@pytest.fixture
def asked(outcome: Make, answer: Make) -> Callable[..., pa.Table]:
    """Makes outcomes: for each, the label and what each engine came to."""

    def build(*rows: tuple[str, dict[str, str]]) -> pa.Table:
        made = [
            outcome("x", label, index=index, answers=[answer(engine, status) for engine, status in statuses.items()])
            for index, (label, statuses) in enumerate(rows)
        ]
        return OUTCOMES.build(made)

    return build


def test_pairs_count_what_came_together(asked: Callable[..., pa.Table]) -> None:
    table = asked(
        ("elementary", {"sympy": "solved", "fricas": "solved"}),
        ("elementary", {"fricas": "solved", "sympy": "timeout"}),
        ("elementary", {"fricas": "solved", "giac": "solved", "sympy": "timeout"}),
        ("elementary", {"fricas": "solved"}),
        ("nonelementary", {"fricas": "timeout", "theorems": "unevaluated"}),
    )
    assert len(asked_of_several(table)) == 3
    found = {(pair.first, pair.second): (pair.functions, dict(pair.counts)) for pair in pairs(table)}
    assert found == {
        ("fricas", "giac"): (1, {("solved", "solved"): 1}),
        ("fricas", "sympy"): (3, {("solved", "solved"): 1, ("solved", "timeout"): 2}),
        ("giac", "sympy"): (1, {("solved", "timeout"): 1}),
    }


@pytest.mark.parametrize(
    ("label", "statuses"),
    [
        ("elementary", {"fricas": "solved", "sympy": "solved"}),
        ("elementary", {"fricas": "solved", "sympy": "timeout"}),
        ("nonelementary", {"fricas": "unevaluated", "sympy": "solved"}),  # SymPy's is not elementary
        ("unknown", {"fricas": "incomplete", "sympy": "unevaluated"}),
        ("unknown", {"fricas": "solved"}),
    ],
)
def test_what_can_all_be_right_is_no_disagreement(
    asked: Callable[..., pa.Table], label: str, statuses: dict[str, str]
) -> None:
    assert disagreements(asked((label, statuses))) == []


@pytest.mark.parametrize(
    ("label", "statuses", "right"),
    [
        ("elementary", {"fricas": "unevaluated", "sympy": "solved"}, "sympy"),
        ("elementary", {"fricas": "wrong", "sympy": "solved"}, "sympy"),
        ("nonelementary", {"fricas": "unevaluated", "sympy": "wrong"}, "fricas"),
        ("unknown", {"fricas": "wrong", "sympy": "timeout"}, UNSETTLED),
        ("unknown", {"fricas": "wrong", "sympy": "unevaluated"}, UNSETTLED),
        ("elementary", {"fricas": "solved", "giac": "solved", "sympy": "wrong"}, "fricas and giac"),
    ],
)
def test_verification_says_who_is_right(
    asked: Callable[..., pa.Table], label: str, statuses: dict[str, str], right: str
) -> None:
    (found,) = disagreements(asked((label, statuses)))
    assert (found.right, found.integrand, dict(found.statuses)) == (right, "x", statuses)
