"""Outcomes made up for the tests: real expressions, invented verdicts."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import canonical_text, fingerprint, parse

Row = dict[str, Any]
FUNCTIONS = ("sin", "cos", "exp", "sinh", "cosh", "tanh")  # nothing that SymPy would simplify


def make_answer(engine: str = "sympy", status: str = "solved", seconds: float = 0.5) -> Row:
    return {
        "engine": engine,
        "engine_version": f"{engine} 1.0",
        "status": status,
        "reason": "because",
        "antiderivative": "x" if status == "solved" else None,
        "seconds": seconds,
    }


def make_outcome(integrand: str, label: str = "elementary", *, index: int = 0, **changes: Any) -> Row:
    try:
        expr = parse(integrand)
        canonical, print_ = canonical_text(expr), fingerprint(expr)
    except ExpressionError:
        canonical, print_ = None, None
    row = {
        "id": f"0-{index}",
        "index": index,
        "seed": 0,
        "grammar": "intclass",
        "generator": "forward",
        "internal_nodes": 3,
        "integrand": integrand,
        "canonical": canonical,
        "fingerprint": print_,
        "label": label,
        "reason": f"{label}, after 0.25 s",
        "antiderivative": "x" if label == "elementary" else None,
        "certificate": "checked" if label == "elementary" else None,
        "engine": "fricas",
        "engine_version": "fricas 1.0",
        "seconds": 0.25,
        "verified": label == "elementary",
        "answers": [make_answer(status="solved" if label == "elementary" else "timeout")] if canonical else [],
    }
    return row | changes


def make_outcomes(count: int, *, start: int = 0) -> list[Row]:
    """Functions with a skeleton each, about half of them elementary; a longer list begins with the shorter one."""
    chains = itertools.islice(itertools.product(FUNCTIONS, repeat=4), start, start + count)
    rows = []
    for index, chain in enumerate(chains, start=start):
        label = "elementary" if random.Random(index).random() < 0.5 else "nonelementary"
        rows.append(make_outcome("({}({}({}({}(x)))))".format(*chain), label, index=index))
    return rows


@pytest.fixture
def answer() -> Callable[..., Row]:
    """Makes an engine's answer."""
    return make_answer


@pytest.fixture
def outcome() -> Callable[..., Row]:
    """Makes an outcome of one function."""
    return make_outcome


@pytest.fixture
def outcomes() -> Callable[..., Sequence[Row]]:
    """Makes so many outcomes of different skeletons."""
    return make_outcomes
