from __future__ import annotations

import statistics
import time

import pytest
import sympy
from sympy import (
    Ei,
    Expr,
    I,
    Integer,
    Lambda,
    Piecewise,
    Poly,
    Rational,
    RootSum,
    Symbol,
    acos,
    acosh,
    asin,
    atan,
    cos,
    diff,
    erf,
    erfi,
    exp,
    log,
    pi,
    sin,
    sqrt,
    tan,
)

from intclass.components.integrate._verify import MIN_POINTS, POINTS, Agreement, Verification, prove_equal, verify
from intclass.components.shared.expressions import X

x = X

R = Symbol("r")
QUARTIC = RootSum(Poly(256 * R**4 + 1, R), Lambda(R, R * log(x + 4 * R)), auto=False)  # of 1/(x**4 + 1)

RIGHT: list[tuple[Expr, Expr]] = [
    (x * exp(x**2), exp(x**2) / 2),
    (x * exp(x**2), exp(x**2) / 2 + 17 * pi),
    (Integer(0), Integer(3)),
    (1 / x, log(x)),
    (1 / x, log(-5 * x)),
    (sqrt(x**2), x * sqrt(x**2) / 2),
    (1 / sqrt(x**2 - 1), log(x + sqrt(x**2 - 1))),
    (sin(x) ** 2 + cos(x) ** 2 - 1, Integer(7)),
    (x**100 * (1 + x) ** 100, sum(sympy.binomial(100, k) * x ** (101 + k) / (101 + k) for k in range(101))),
    (exp(x**2), sqrt(pi) * erfi(x) / 2),
    (1 / (x**4 + 1), QUARTIC),
    (sympy.Abs(x), x * sympy.Abs(x) / 2),
    (
        1 / (x**2 - 1) ** Rational(3, 2),
        Piecewise((-x / sqrt(x**2 - 1), abs(x**2) > 1), (I * x / sqrt(1 - x**2), True)),
    ),
    (exp(1000 * x), exp(1000 * x) / 1000),
    (exp(-1000 * x), -exp(-1000 * x) / 1000),
]

WRONG: list[tuple[Expr, Expr]] = [
    (x**2 / sqrt(1 - x**4), -sqrt(1 - x**4) / x),  # FriCAS 1.3.8
    (log(x + acos(sqrt(7))) / 4, x * log(x + acos(sqrt(7))) / 4),  # SymPy 1.14, Risch
    (exp(x**2), exp(x**2)),
    (1 / (x**4 + 1), 2 * QUARTIC),
    (sin(x) * (1 + Rational(1, 10**15)), -cos(x)),
    (x, Integer(0)),
]

ONE_BRANCH: list[tuple[Expr, Expr]] = [
    (x / asin(sin(x)), x),  # FriCAS
    (sqrt(x**2), x**2 / 2),
    (1 / sqrt(x**2 - 1), acosh(x)),
    (sqrt(tan(x) ** 2), -log(cos(x))),
    (asin(sin(x / 3)), x**2 / 6),  # true for all |x| < 4
]


def _verify(integrand: Expr, antiderivative: Expr, seed: str = "seed") -> Verification:
    return verify(integrand, antiderivative, seed=seed)


@pytest.mark.parametrize(("integrand", "antiderivative"), RIGHT, ids=str)
def test_right_antiderivatives_agree_everywhere(integrand: Expr, antiderivative: Expr) -> None:
    for seed in "abc":
        found = _verify(integrand, antiderivative, seed)
        assert found.agreement is Agreement.RIGHT
        assert MIN_POINTS <= found.agreed <= POINTS
        assert f"equal at {found.agreed} of {found.agreed} points" in found.method


@pytest.mark.parametrize(("integrand", "antiderivative"), WRONG, ids=str)
def test_wrong_antiderivatives_disagree_everywhere(integrand: Expr, antiderivative: Expr) -> None:
    for seed in "abc":
        found = _verify(integrand, antiderivative, seed)
        assert (found.agreement, found.agreed) == (Agreement.WRONG, 0)


@pytest.mark.parametrize(("integrand", "antiderivative"), ONE_BRANCH, ids=str)
def test_antiderivatives_of_one_branch_are_told_apart(integrand: Expr, antiderivative: Expr) -> None:
    found = _verify(integrand, antiderivative)
    assert found.agreement is Agreement.ONE_BRANCH
    assert found.agreed > 0
    assert found.refuted > 0


@pytest.mark.parametrize(
    "antiderivative",
    [
        exp(x) * sin(x) * log(x) / (1 + x**2),
        atan(sqrt(tan(x))) * x ** Rational(1, 3),
        x**x * erf(x**2),
        Ei(1 / x) * (x + 1) ** pi,
        log(log(log(x))),
        sympy.polylog(3, exp(x)) * x,
        2 ** (x**2) * acosh(x),
        QUARTIC * QUARTIC,
    ],
    ids=str,
)
def test_derivatives_by_sympy_are_confirmed_and_small_changes_noticed(antiderivative: Expr) -> None:
    derivative = diff(antiderivative, x)
    assert _verify(derivative, antiderivative).agreement is Agreement.RIGHT
    assert _verify(derivative, antiderivative * (1 + Rational(1, 10**15))).agreement is Agreement.WRONG


def test_what_is_undefined_nearly_everywhere_is_undecided() -> None:
    empty = Piecewise((x, abs(x) > 10**6), (sympy.nan, True))
    assert _verify(Integer(1), empty).agreement is Agreement.UNDECIDED


def test_functions_without_ball_arithmetic_are_undecided_and_named() -> None:
    meijerg = sympy.meijerg([[1], []], [[1], [0]], x)
    found = _verify(exp(x), meijerg)
    assert found.agreement is Agreement.UNDECIDED
    assert "meijerg" in found.method


def test_the_points_depend_on_the_seed_alone() -> None:
    pair = ONE_BRANCH[0]
    assert _verify(*pair, "a") == _verify(*pair, "a")
    assert len({_verify(*pair, seed).agreed for seed in "abcdefgh"}) > 1


def test_the_exact_test_confirms_what_simplifies_to_zero() -> None:
    assert prove_equal(sin(x) * cos(x), sin(x) ** 2 / 2).agreement is Agreement.RIGHT
    assert prove_equal(sin(x) * cos(x), sin(x) ** 2).agreement is Agreement.UNDECIDED


def test_typical_answers_are_checked_in_milliseconds() -> None:
    seconds = []
    for integrand, antiderivative in RIGHT:
        start = time.process_time()
        _verify(integrand, antiderivative)
        seconds.append(time.process_time() - start)
    assert statistics.median(seconds) < 0.02
