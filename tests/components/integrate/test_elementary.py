from __future__ import annotations

import pytest
import sympy
from sympy import Expr, I, Integer, Lambda, Piecewise, Poly, RootSum, Symbol, exp, log, pi, sin, sqrt

from intclass.components.integrate._elementary import nature
from intclass.components.shared.expressions import X

x = X
R = Symbol("r")


@pytest.mark.parametrize(
    "expression",
    [
        Integer(0),
        x ** sympy.Rational(1, 3) + x**pi + x**x,
        sympy.asech(sqrt(x)) * sympy.cot(exp(x)) + I * x,
        sympy.erf(1) * x + sympy.gamma(sympy.Rational(1, 3)) * log(x) + sympy.LambertW(2) ** x,
        RootSum(Poly(R**5 + R + 1, R), Lambda(R, log(x + R)), auto=False),
    ],
    ids=str,
)
def test_elementary_functions(expression: Expr) -> None:
    found = nature(expression)
    assert found.is_elementary
    assert found.flagged == ()


@pytest.mark.parametrize(
    ("expression", "special"),
    [
        (x * sympy.erf(x), ("erf",)),
        (sympy.Ei(log(x)) + exp(sympy.Si(x)), ("Ei", "Si")),
        (sympy.hyper((1, 2), (3,), x), ("hyper",)),
        (RootSum(Poly(R**5 + R + 1, R), Lambda(R, sympy.erf(x + R)), auto=False), ("erf",)),
        (Piecewise((sympy.li(x), x > 1), (x, True)), ("li",)),
        (sympy.Integral(exp(x**2), x), ("Integral",)),
        (sympy.Function("f")(x), ("f",)),
        (sympy.Heaviside(x), ("Heaviside",)),
    ],
    ids=str,
)
def test_other_functions_are_named(expression: Expr, special: tuple[str, ...]) -> None:
    found = nature(expression)
    assert not found.is_elementary
    assert set(special) <= set(found.special)


@pytest.mark.parametrize(
    ("expression", "flagged"),
    [
        (abs(x) * sympy.sign(sin(x)), ("Abs", "sign")),
        (sympy.floor(x) + x, ("floor",)),
        (Piecewise((log(x), abs(x) > 1), (x, True)), ("Piecewise",)),
        (abs(sin(1)) * x, ()),
    ],
    ids=str,
)
def test_kinks_and_jumps_are_flagged(expression: Expr, flagged: tuple[str, ...]) -> None:
    found = nature(expression)
    assert found.is_elementary
    assert found.flagged == flagged
