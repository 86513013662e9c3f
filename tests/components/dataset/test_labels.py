from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from intclass.components.dataset import DatasetConfig
from intclass.components.dataset._labels import NO_LABEL, check_limit, drop_unlabelled, labels
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.records import OUTCOMES

Make = Callable[..., dict[str, Any]]
SOLVED = DatasetConfig(target="solved", solved_within_seconds=1.0)


def test_elementary(outcome: Make) -> None:
    table = OUTCOMES.build(outcome("x", label) for label in ("elementary", "nonelementary", "unknown", "elementary"))
    assert labels(table, DatasetConfig()).tolist() == [1, 0, NO_LABEL, 1]


class TestSolved:
    def label(self, outcome: Make, *answers: dict[str, Any]) -> int:
        return int(labels(OUTCOMES.build([outcome("x", answers=list(answers))]), SOLVED)[0])

    def test_a_closed_form_in_time(self, outcome: Make, answer: Make) -> None:
        assert self.label(outcome, answer(seconds=0.99)) == 1
        assert self.label(outcome, answer(seconds=1.0)) == 1

    def test_a_closed_form_too_late(self, outcome: Make, answer: Make) -> None:
        assert self.label(outcome, answer(seconds=1.01)) == 0

    @pytest.mark.parametrize("status", ["unevaluated", "timeout", "error", "crashed", "memory", "wrong", "unverified"])
    def test_anything_else_from_sympy(self, outcome: Make, answer: Make, status: str) -> None:
        assert self.label(outcome, answer(status=status)) == 0

    def test_sympy_alone_counts(self, outcome: Make, answer: Make) -> None:
        assert self.label(outcome, answer("fricas"), answer(status="timeout")) == 0
        assert self.label(outcome, answer("fricas", "timeout"), answer()) == 1

    def test_sympy_was_not_asked(self, outcome: Make, answer: Make) -> None:
        assert self.label(outcome, answer("fricas")) == NO_LABEL
        assert self.label(outcome) == NO_LABEL

    def test_rows_keep_apart(self, outcome: Make, answer: Make) -> None:
        answers = [[], [answer("fricas"), answer()], [], [answer(status="timeout")], [answer("giac")], [answer()]]
        table = OUTCOMES.build(outcome("x", answers=each) for each in answers)
        assert labels(table, SOLVED).tolist() == [NO_LABEL, 1, NO_LABEL, 0, NO_LABEL, 1]
        parts = pa.concat_tables([table.slice(0, 2), table.slice(2, 3), table.slice(5)])
        assert labels(parts, SOLVED).tolist() == [NO_LABEL, 1, NO_LABEL, 0, NO_LABEL, 1]


class TestDropping:
    def test_elementary_drops_the_unknown(self, outcome: Make) -> None:
        rows = [
            outcome("x", "elementary"),
            outcome("exp(x**2)", "nonelementary"),
            outcome("tan(x**2)", "unknown"),
            outcome("tan(x**3)", "unknown"),
            outcome("import os", "unknown"),
        ]
        kept, dropped = drop_unlabelled(OUTCOMES.build(rows), DatasetConfig())
        assert kept["integrand"].to_pylist() == ["x", "exp(x**2)"]
        assert kept["class"].to_pylist() == [1, 0]
        assert dropped == {"unparsable": 1, "unknown": 2}

    def test_solved_drops_what_sympy_was_not_asked(self, outcome: Make, answer: Make) -> None:
        rows = [
            outcome("x", "elementary"),
            outcome("exp(x**2)", "unknown"),
            outcome("sin(x)", "elementary", answers=[answer("fricas")]),
            outcome("import os", "unknown"),
        ]
        kept, dropped = drop_unlabelled(OUTCOMES.build(rows), SOLVED)
        assert kept["integrand"].to_pylist() == ["x", "exp(x**2)"]
        assert kept["class"].to_pylist() == [1, 0]
        assert dropped == {"unparsable": 1, "sympy_not_asked": 1}


class TestMissingClasses:
    @pytest.mark.parametrize(
        ("present", "message"),
        [
            (
                ["elementary", "elementary", "unknown"],
                r"no row is 'nonelementary' \(outcomes: elementary 2, unknown 1\): SymPy alone proves none; use --tar",
            ),
            (
                ["nonelementary", "unknown"],
                r"no row is 'elementary' \(outcomes: nonelementary 1, unknown 1\): integrate more functions",
            ),
            ([], r"no row is 'nonelementary' \(outcomes: none\)"),
        ],
    )
    def test_elementary(self, outcome: Make, present: list[str], message: str) -> None:
        table = OUTCOMES.build(outcome("x", label) for label in present)
        with pytest.raises(ConfigError, match=message):
            drop_unlabelled(table, DatasetConfig())

    def test_solved(self, outcome: Make, answer: Make) -> None:
        with pytest.raises(ConfigError, match=r"no row is 'unsolved' .*: use a shorter --solved-within"):
            drop_unlabelled(OUTCOMES.build([outcome("x", answers=[answer()])]), SOLVED)
        with pytest.raises(ConfigError, match=r"no row is 'solved' .*: use a longer --solved-within"):
            drop_unlabelled(OUTCOMES.build([outcome("x", answers=[answer(seconds=2.0)])]), SOLVED)


class TestLimit:
    def test_more_than_sympy_had_is_refused(self) -> None:
        message = "solved_within_seconds is 1, but SymPy was stopped after 0.5 seconds: give at most 0.5"
        with pytest.raises(ConfigError, match=message):
            check_limit(SOLVED, 0.5)

    @pytest.mark.parametrize("limit", [1.0, 2.0, None])
    def test_less_is_not(self, limit: float | None) -> None:
        check_limit(SOLVED, limit)

    def test_elementary_does_not_care(self) -> None:
        check_limit(DatasetConfig(solved_within_seconds=5), 0.5)
