"""Values of constant subtrees, followed in plain numbers so that what SymPy would choke on is refused before it.

A tower of integers or the tangent of a huge number takes SymPy seconds to minutes. All refusals here are by size,
never by the clock, so they are the same on every machine.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from enum import StrEnum
from fractions import Fraction
from typing import Final

Constant = Fraction | float
"""Exact where the subtree is rational, else its value in double precision."""

LARGEST: Final = 10**6  # of a constant, and of a rational's numerator and denominator
LARGEST_EXPONENT: Final = 100
_ZERO: Final = 1e-9  # an inexact value below this may be zero in disguise: sin(1)**2 + cos(1)**2 - 1


class Junk(StrEnum):
    """Why a drawn function is refused."""

    CONSTANT = "constant"  # no x in it, as drawn or after cancelling
    INFINITE = "infinite"  # division by zero, log(0), 0**..., or undefined
    COMPLEX = "complex"  # a constant that is not real: sqrt(-2), asin(3), (-2)**x
    HUGE = "huge"  # a number or an exponent over the limit
    TOWER = "tower"  # exponentials nested too deep
    FOREIGN = "foreign"  # a function that no grammar draws: Abs, sign, floor
    UNBUILT = "unbuilt"  # SymPy's builder refused or failed: a divisor that cancels to zero, a number over the limit
    LARGE = "large"  # grown far beyond what was drawn, as derivatives do
    UNDEFINED = "undefined"  # no value at most points: a divisor that is zero in disguise
    OPEN = "open"  # no theorem tells whether it has an elementary antiderivative


class RefusedError(Exception):
    """A drawn function that goes no further; never leaves the stage."""

    def __init__(self, junk: Junk) -> None:
        super().__init__(junk.value)
        self.junk = junk


POWERS: Final = {f"pow{n}": n for n in (2, 3, 4, 5)}


def check_constant(value: Constant) -> Constant:
    """The value if it is finite and of ordinary size; raises RefusedError if not."""
    if isinstance(value, Fraction):
        if max(abs(value.numerator), value.denominator) > LARGEST:
            raise RefusedError(Junk.HUGE)
        return value
    if not math.isfinite(value):
        raise RefusedError(Junk.INFINITE)
    if abs(value) > LARGEST or _ZERO < abs(value) < 1 / LARGEST:
        raise RefusedError(Junk.HUGE)
    return value


def _is_zero(value: Constant) -> bool:
    return -_ZERO < value < _ZERO


def apply_unary(name: str, value: Constant | None) -> Constant | None:
    """The operator's value, None for what is not constant; raises RefusedError."""
    if value is None:
        return None
    if name in POWERS:
        return _power(value, Fraction(POWERS[name]))
    if name == "neg":
        return -value
    if name == "inv":
        return _divide(Fraction(1), value)
    exact = _EXACT.get((name, value)) if isinstance(value, Fraction) else None
    return exact if exact is not None else check_constant(_evaluate(name, float(value)))


def apply_binary(name: str, left: Constant | None, right: Constant | None) -> Constant | None:
    """The operator's value, None for what is not constant; raises RefusedError."""
    if name == "pow":
        return _power_of_any(left, right)
    if name == "div":
        if right is not None and _is_zero(right):
            raise RefusedError(Junk.INFINITE)
        return None if left is None or right is None else _divide(left, right)
    if left is None or right is None:
        return None
    return check_constant(_ARITHMETIC[name](left, right))


def _power_of_any(base: Constant | None, exponent: Constant | None) -> Constant | None:
    if exponent is not None and base is None and abs(float(exponent)) > LARGEST_EXPONENT:
        raise RefusedError(Junk.HUGE)
    if base is None:
        return None
    if _is_zero(base):
        raise RefusedError(Junk.INFINITE)
    if exponent is None:
        if base < 0:
            raise RefusedError(Junk.COMPLEX)
        return None
    return _power(base, exponent)


def _power(base: Constant, exponent: Constant) -> Constant:
    if _is_zero(base) and exponent <= 0:
        raise RefusedError(Junk.INFINITE)
    whole = isinstance(exponent, Fraction) and exponent.denominator == 1
    if base < 0 and not whole:
        raise RefusedError(Junk.COMPLEX)
    # Roughly, before the power is taken: 7**(6**5) would be taken exactly.
    size, times = abs(float(base)), abs(float(exponent))
    magnitude = times * abs(math.log(size or 1))
    if magnitude > 2 * math.log(LARGEST) or (times > LARGEST_EXPONENT and size != 1):
        raise RefusedError(Junk.HUGE)
    if whole and isinstance(base, Fraction):
        return check_constant(base ** int(exponent))
    return check_constant(float(base) ** float(exponent))


def _divide(left: Constant, right: Constant) -> Constant:
    if _is_zero(right):
        raise RefusedError(Junk.INFINITE)
    return check_constant(left / right)


def _evaluate(name: str, value: float) -> float:
    low, high = _DOMAINS.get(name, (-math.inf, math.inf))
    if not low - _ZERO <= value <= high + _ZERO:
        raise RefusedError(Junk.COMPLEX)
    try:
        return UNARY_FUNCTIONS[name](min(max(value, low), high))
    except OverflowError:
        raise RefusedError(Junk.HUGE) from None
    except ValueError:  # a pole at the end of the domain
        raise RefusedError(Junk.INFINITE) from None


def _one_over(function: Callable[[float], float]) -> Callable[[float], float]:
    def reciprocal(value: float) -> float:
        divisor = function(value)
        if _is_zero(divisor):
            raise RefusedError(Junk.INFINITE)
        return 1 / divisor

    return reciprocal


_ARITHMETIC: Final[Mapping[str, Callable[[Constant, Constant], Constant]]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
}
# Where the value of a function at a rational number is rational: only at 0 and 1 (Lindemann and Weierstrass).
_EXACT: Final = {
    **{(name, Fraction(0)): Fraction(0) for name in ("sin", "tan", "asin", "atan", "sqrt")},
    **{(name, Fraction(0)): Fraction(0) for name in ("sinh", "tanh", "asinh", "atanh")},
    **{(name, Fraction(0)): Fraction(1) for name in ("exp", "cos", "cosh")},
    **{(name, Fraction(1)): Fraction(0) for name in ("log", "acos", "acosh")},
    ("sqrt", Fraction(1)): Fraction(1),
}
_DOMAINS: Final = {
    "log": (0.0, math.inf),
    "sqrt": (0.0, math.inf),
    "asin": (-1.0, 1.0),
    "acos": (-1.0, 1.0),
    "acosh": (1.0, math.inf),
    "atanh": (-1.0, 1.0),
}
_DRAWN: Final = (
    *("exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
)
# The reciprocals are never drawn, but SymPy turns tan(x + pi/2) into -cot(x).
_RECIPROCALS: Final = {"cot": "tan", "sec": "cos", "csc": "sin", "coth": "tanh", "sech": "cosh", "csch": "sinh"}
UNARY_FUNCTIONS: Final[Mapping[str, Callable[[float], float]]] = {
    **{name: getattr(math, name) for name in _DRAWN},
    **{name: _one_over(getattr(math, other)) for name, other in _RECIPROCALS.items()},
}
