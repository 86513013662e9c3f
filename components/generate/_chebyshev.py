"""Binomials x^m*(a + b*x^n)^p with rational m, n, p: half of them proven nonelementary, half elementary twins.

Chebyshev's theorem (see `shared.theorems`) decides every one of them. With p no integer, there is an elementary
antiderivative exactly if (m+1)/n or (m+1)/n + p is an integer. If the former is k > 0, u = a + b*x^n turns the
integrand into (u-a)^(k-1)*u^p/(n*b^k); if the latter is -k < 0, u = (a + b*x^n)/x^n gives -(u-b)^(k-1)*u^p/(n*a^k).
Either is a sum of powers of u. What is proven has such an m moved by an integer.
"""

from __future__ import annotations

from typing import Final

from sympy import Expr, Integer, Rational, binomial

from intclass.components.generate._build import settle
from intclass.components.generate._constants import Junk, RefusedError
from intclass.components.generate._construction import Construction, proven, solved
from intclass.components.generate._dice import Dice
from intclass.components.shared.expressions import X

_INNER: Final = tuple(Rational(*n) for n in ((2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (3, 2), (5, 2), (4, 3)))
_OUTER: Final = tuple(Rational(top, bottom) for bottom in (2, 2, 3, 4) for top in range(-5, 6) if top % bottom)
_SHIFTS: Final = (-3, -2, -1, 1, 2, 3)
_MOST_TERMS: Final = 3
_TWIN: Final = "chebyshev: derivative of the antiderivative"


def chebyshev(nodes: int, dice: Dice) -> Construction:
    """One of the class that the dice want, whatever the number of nodes."""
    n, p, k = dice.pick(_INNER), dice.pick(_OUTER), dice.between(1, _MOST_TERMS)
    a, b = _coefficient(dice), _coefficient(dice)
    direct = dice.coin()
    m = k * n - 1 if direct else -(k + p) * n - 1
    base = a + b * X**n
    if dice.elementary:
        antiderivative = _direct(base, a, b, n=n, p=p, k=k) if direct else _inverted(base, a, b, n=n, p=p, k=k)
        return solved(settle(X**m * base**p), antiderivative, _TWIN)
    return proven(settle(X ** (m + dice.pick(_SHIFTS)) * base**p))


def _coefficient(dice: Dice) -> Expr:
    value = dice.integer()
    if value == 0:
        raise RefusedError(Junk.CONSTANT)
    return Integer(-value if dice.coin() else value)


def _direct(base: Expr, a: Expr, b: Expr, *, n: Rational, p: Rational, k: int) -> Expr:
    terms = [_coefficient_of(j, -a, k) * base ** (p + j + 1) / (p + j + 1) for j in range(k)]
    return sum(terms) / (n * b**k)


def _inverted(base: Expr, a: Expr, b: Expr, *, n: Rational, p: Rational, k: int) -> Expr:
    # A power of u is written as two, which keeps to one branch: x^(-n)^q would not be x^(-n*q).
    powers = [base ** (p + j + 1) * X ** (-n * (p + j + 1)) / (p + j + 1) for j in range(k)]
    return -sum(_coefficient_of(j, -b, k) * power for j, power in enumerate(powers)) / (n * a**k)


def _coefficient_of(j: int, shift: Expr, k: int) -> Expr:
    """Of u^j in (u + shift)^(k-1)."""
    return binomial(k - 1, j) * shift ** (k - 1 - j)
