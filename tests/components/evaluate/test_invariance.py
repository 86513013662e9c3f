"""Rewritings that must not change an answer: that they keep the truth, and that shortcuts show."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from intclass.components.evaluate.arrays import Floats
from intclass.components.evaluate.probes import REWRITINGS, Invariance, InvarianceProbe
from intclass.components.shared.expressions import X, canonical, from_prefix, parse, prefix_words
from intclass.components.shared.theorems import prove_nonelementary

FUNCTIONS = (
    *("exp(x**2)", "x*exp(x)/(x + 1)", "sin(x)/x", "sqrt(x**3 + 1)", "cos(2*x)/x**2", "(x + 1)*exp(x**2)"),
    *("x**2*sin(x**2)", "x/sqrt(x**4 + 1)", "exp(1/x)", "(x**2 + x)*exp(x)", "sin(x) + x**2*sin(x)", "(x + 1)**2/x"),
)


def _prefix(text: str) -> str:
    return " ".join(prefix_words(canonical(parse(text))))


def _rows(texts: Sequence[str] = FUNCTIONS) -> list[dict[str, Any]]:
    return [{"prefix": _prefix(text), "fingerprint": f"{place:016x}", "label": 0} for place, text in enumerate(texts)]


def _ask(judge: Callable[[str], float], *, count: int = len(FUNCTIONS), seed: int = 0) -> dict[str, Invariance]:
    probe = InvarianceProbe(_rows(), count=count, seed=seed)
    answers: Floats = np.array([judge(prefix) for prefix in probe.prefixes])
    return {each.name: each for each in probe.measure(answers)}


def _by_length(prefix: str) -> float:
    return 1 - 1 / (1 + len(prefix.split()) / 11)


def _by_theorem(prefix: str) -> float:
    """Looks at nothing but the mathematics."""
    return 0.1 if prove_nonelementary(from_prefix(prefix.split())) is not None else 0.9


@pytest.mark.parametrize("seed", range(4))
def test_c_times_f_and_f_of_ax_plus_b_keep_what_a_theorem_says(seed: int) -> None:
    rng = random.Random(seed)
    by_name = {each.name: each for each in REWRITINGS}
    for text in ("exp(x**2)", "x*exp(x**2)", "sin(x)/x", "x*sin(x)", "exp(x)/x", "exp(1/x)/x**2"):
        truth = prove_nonelementary(parse(text)) is not None
        for name in ("constant_factor", "affine", "plus_polynomial", "commuted"):
            words = by_name[name].rewrite(_prefix(text), rng)
            assert words is not None
            assert (prove_nonelementary(from_prefix(words.split())) is not None) == truth, (name, words)


@pytest.mark.parametrize("name", ["commuted", "expanded", "factored"])
def test_other_forms_are_the_same_function(name: str) -> None:
    rewriting = next(each for each in REWRITINGS if each.name == name)
    for text in FUNCTIONS:
        words = rewriting.rewrite(_prefix(text), random.Random(0))
        assert words is not None
        for point in (0.4, 1.3):
            before, after = (expr.subs(X, point).evalf(20) for expr in (parse(text), from_prefix(words.split())))
            assert abs(before - after) < 1e-12


def test_a_model_that_goes_by_length_is_exposed() -> None:
    found = _ask(_by_length)
    assert found["plus_polynomial"].consistency.value < 0.6  # it is longer, so its answer flips
    assert found["expanded"].mean_change > 0.03
    assert found["commuted"].consistency.value == 1  # the one rewriting that keeps the length


def test_a_model_that_knows_the_mathematics_is_not() -> None:
    found = _ask(_by_theorem)
    for name in ("constant_factor", "commuted"):
        assert found[name].consistency.value == 1, found[name]
        assert found[name].mean_change == 0


def test_the_largest_changes_are_listed_first() -> None:
    worst = _ask(_by_length)["plus_polynomial"].worst
    changes = [abs(each.probability_after - each.probability_before) for each in worst]
    assert changes == sorted(changes, reverse=True)
    assert len(worst) == 5
    for each in worst:
        assert parse(each.after) != parse(each.before)


def test_the_same_seed_asks_the_same() -> None:
    probes = [InvarianceProbe(_rows(), count=5, seed=seed).prefixes for seed in (1, 1, 2)]
    assert probes[0] == probes[1] != probes[2]


def test_a_rewriting_that_changes_nothing_is_not_counted() -> None:
    probe = InvarianceProbe(_rows(["sin(x)"]), count=1, seed=0)
    names = {each.name for each in probe.measure(np.full(len(probe.prefixes), 0.5))}
    assert names == {"constant_factor", "affine", "plus_polynomial"}  # nothing to commute, expand or factor
