"""The printer and the reader alone; that FriCAS understands the one and writes the other is test_fricas.py's."""

from __future__ import annotations

import pytest
import sympy
from sympy import Expr, I, Rational, exp, log, sqrt

from intclass.components.integrate.engines._fricas_text import (
    UnprintableError,
    UnreadableError,
    from_fricas,
    to_fricas,
)
from intclass.components.shared.expressions import X, parse_trusted


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (X, "x"),
        (sympy.Integer(0), "0"),
        (sympy.Integer(-3), "(-3)"),
        (Rational(2, 3), "(2/3)"),
        (Rational(-2, 3), "(-2/3)"),
        (sympy.pi * X, "(%pi*x)"),
        (sympy.E, "exp(1)"),
        (I, "sqrt(-1)"),
        (sqrt(X), "(x^(1/2))"),
        (1 / X, "(x^(-1))"),
        (X**-3, "(x^(-3))"),
        (X**X, "(x^x)"),
        (3**X, "(3^x)"),
        (exp(2 * X), "exp((2*x))"),
        ((X + 1) ** 2, "((1+x)^2)"),
        (sympy.Abs(X), "abs(x)"),
        (sympy.acosh(X), "log(x+sqrt(x-1)*sqrt(x+1))"),
        (sympy.asec(X), "acos(1/(x))"),
    ],
)
def test_expressions_are_written_in_fricas_language(expr: Expr, text: str) -> None:
    assert to_fricas(expr) == text


@pytest.mark.parametrize(
    ("expr", "name"),
    [(sympy.floor(X), "floor"), (sympy.zoo, "zoo"), (sympy.Float(0.5) * X, "0.5"), (sympy.Symbol("y"), "y")],
)
def test_what_fricas_does_not_know_is_named(expr: Expr, name: str) -> None:
    with pytest.raises(UnprintableError, match=name):
        to_fricas(expr)


@pytest.mark.parametrize(
    ("lisp", "text"),
    [
        ("x", "x"),
        ("-12", "-12"),
        ("(pi)", "pi"),
        ("(+ x -1)", "x - 1"),
        ("(+ (* -1 x) (+ (* -2 (^ x 2)) 3))", "-x - 2*x**2 + 3"),
        ("(* -1 (* -1 x))", "-(-x)"),
        ("(* (+ x 1) (/ 1 2))", "(x + 1)*(1/2)"),
        ("(* x -2)", "x*(-2)"),
        ("(/ (* 2 x) (* 3 (log x)))", "2*x/(3*log(x))"),
        ("(/ (/ 1 x) (/ 2 x))", "1/x/(2/x)"),
        ("(^ (^ x 2) 3)", "(x**2)**3"),
        ("(^ -2 x)", "(-2)**x"),
        ("(^ x (^ x 2))", "x**(x**2)"),
        ("(^ x -1)", "x**(-1)"),
        ("(^ (+ x 1) (/ 1 2))", "sqrt(x + 1)"),
        ("(^ x (/ 1 3))", "x**(1/3)"),
        ("(^ -1 (/ 1 2))", "I"),
        ("(exp (* x (^ -1 (/ 1 2))))", "exp(x*I)"),
        ("(dilog (+ x 1))", "polylog(2, 1 - (x + 1))"),
        ("(logSum (+ (^ t 3) 2) (+ x t))", "RootSum(_t**3 + 2, Lambda(_t, _t*log(x + _t)))"),
    ],
)
def test_lists_are_read_into_sympy_text(lisp: str, text: str) -> None:
    assert from_fricas(lisp) == text
    parse_trusted(text.replace("_t", "x") if "Lambda" not in text else text)  # and that text can be read


@pytest.mark.parametrize("lisp", ["", "()", "(+ x", "x)", "x y", "(besselJ 1 x)", "y", "(log x x)", "((log) x)", "nil"])
def test_what_cannot_be_read_is_refused(lisp: str) -> None:
    with pytest.raises(UnreadableError):
        from_fricas(lisp)


def test_a_long_nest_needs_no_deep_stack() -> None:
    depth = 5_000
    assert len(from_fricas("(+ x " * depth + "x" + ")" * depth)) == 4 * depth + 1


# FriCAS' definitions of its functions, by their derivatives (its library's `FSPECF` and `EF`).
_DERIVATIVES = {
    "(dilog x)": log(X) / (1 - X),
    "(polylog 3 x)": sympy.polylog(2, X) / X,
    "(Ei x)": exp(X) / X,
    "(li x)": 1 / log(X),
    "(Si x)": sympy.sin(X) / X,
    "(Ci x)": sympy.cos(X) / X,
    "(Shi x)": sympy.sinh(X) / X,
    "(Chi x)": sympy.cosh(X) / X,
    "(erf x)": 2 * exp(-(X**2)) / sqrt(sympy.pi),
    "(erfi x)": 2 * exp(X**2) / sqrt(sympy.pi),
    "(fresnelS x)": sympy.sin(sympy.pi * X**2 / 2),
    "(fresnelC x)": sympy.cos(sympy.pi * X**2 / 2),
    "(Gamma (/ 1 3) x)": -(X ** Rational(-2, 3)) * exp(-X),
    "(ellipticF x (/ 1 3))": 1 / sqrt((1 - X**2) * (1 - X**2 / 3)),
    "(ellipticE x (/ 1 3))": sqrt(1 - X**2 / 3) / sqrt(1 - X**2),
    "(ellipticPi x (/ 1 5) (/ 1 3))": 1 / ((1 - X**2 / 5) * sqrt((1 - X**2) * (1 - X**2 / 3))),
    "(lambertW x)": sympy.LambertW(X) / (X * (1 + sympy.LambertW(X))),
}


@pytest.mark.parametrize(("lisp", "derivative"), _DERIVATIVES.items())
def test_special_functions_mean_the_same(lisp: str, derivative: Expr) -> None:
    function = parse_trusted(from_fricas(lisp))
    at = {X: Rational(2, 5)}
    slope = function.diff(X).doit().subs(at).evalf(20)
    assert abs(slope - derivative.subs(at).evalf(20)) < 1e-12
