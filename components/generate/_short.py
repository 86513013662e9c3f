"""Short functions as they stand in textbooks: a kernel of a low inner function times a cofactor, and sums of two such.

x*exp(-x**2), sin(log(x))/x and sqrt(x**3 + 1) are of this form. Uniform trees of their size seldom are: their products
rarely hold an inner derivative, and where they do, its power rarely fits. Here the cofactor is often the inner
derivative, alone or times another kernel of the same inner function, and as often something that only looks like it.
Which of them have an elementary antiderivative is not known when they are drawn: an engine or a theorem has to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sympy import (
    Expr,
    Integer,
    Rational,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cos,
    cosh,
    diff,
    exp,
    log,
    sin,
    sinh,
    tan,
    tanh,
)

from intclass.components.generate._build import settle
from intclass.components.generate._construction import Construction, undecided
from intclass.components.generate._dice import Dice
from intclass.components.shared.expressions import X

NODES_OF_A_SUM: Final = 6  # functions of fewer nodes have one term, the others two

_INNER_EXPONENTS: Final = tuple(Rational(n) for n in ("1", "1", "2", "2", "2", "3", "3", "4", "5", "-1", "-1", "-2"))
_INNER_ROOTS: Final = tuple(Rational(n) for n in ("1/2", "1/2", "1/3", "3/2", "2/3", "-1/2"))
_KERNEL_EXPONENTS: Final = tuple(
    Rational(n) for n in ("-1", "-1", "-2", "-3", "2", "3", "1/2", "1/2", "-1/2", "-1/2", "3/2", "-3/2", "1/3", "-1/3")
)
_COFACTOR_EXPONENTS: Final = tuple(
    Rational(n) for n in ("-3", "-2", "-1", "-1", "1", "1", "1", "2", "2", "3", "4", "5", "1/2", "-1/2", "3/2")
)
_FUNCTIONS: Final[Mapping[str, Any]] = {
    function.__name__: function
    for function in (exp, log, sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh)
}


def short(nodes: int, dice: Dice) -> Construction:
    """One, whose class is open; it leans to the class that the dice want."""
    function = _term(dice)
    if nodes >= NODES_OF_A_SUM:
        function += _term(dice)
    return undecided(settle(function))


def _term(dice: Dice) -> Expr:
    inner = _inner(dice)
    cofactor = dice.pick(_FITTING if dice.elementary else _OTHER)
    return _constant(dice) * cofactor(inner, dice) * _kernel(inner, dice)


def _inner(dice: Dice) -> Expr:
    """What a kernel is applied to: one power of x, two, or a function of x."""
    kind = dice.between(0, 9)
    if kind < 4:
        return _power(dice)
    if kind < 7:
        return _power(dice) + _constant(dice)
    if kind < 8:
        return _power(dice) + _constant(dice) * X
    return _function(_constant(dice) * X, dice)


def _power(dice: Dice) -> Expr:
    exponents = _INNER_EXPONENTS if dice.between(0, 3) else _INNER_ROOTS
    return _constant(dice) * X ** dice.pick(exponents)


def _kernel(inner: Expr, dice: Dice) -> Expr:
    """A function, a power or an exponential of the inner function."""
    kind = dice.between(0, 9)
    if kind < 6:
        return _function(inner, dice)
    if kind < 9 or "pow" not in dice.grammar.binary:
        base = inner + 1 if inner.is_Mul or inner.is_Pow else inner  # a power of a power is but another
        return base ** dice.pick(_KERNEL_EXPONENTS)
    return Integer(1 + dice.integer()) ** inner


def _function(argument: Expr, dice: Dice) -> Expr:
    """One of the grammar's functions; the exponential, without which there is no textbook, counts twice."""
    known = [function for name, function in _FUNCTIONS.items() if name in dice.grammar.unary]
    return dice.pick([exp, *known])(argument)


def _constant(dice: Dice) -> Expr:
    """1 as often as not, else an integer of the grammar, or the inverse of one, with either sign."""
    size = 1 if dice.coin() else dice.integer()
    value = Rational(1, size) if size and dice.between(0, 4) == 0 else Integer(size)
    return -value if dice.between(0, 2) == 0 else value


def _slope(inner: Expr, dice: Dice) -> Expr:
    return diff(inner, X)


def _slope_times_kernel(inner: Expr, dice: Dice) -> Expr:
    return diff(inner, X) * _kernel(inner, dice)


def _slope_times_inner(inner: Expr, dice: Dice) -> Expr:
    return diff(inner, X) * (inner + dice.between(0, 1) * _constant(dice))


def _slope_times_power(inner: Expr, dice: Dice) -> Expr:
    return diff(inner, X) * X ** dice.pick(_COFACTOR_EXPONENTS)


def _one(inner: Expr, dice: Dice) -> Expr:
    return Integer(1)


def _power_of_x(inner: Expr, dice: Dice) -> Expr:
    return X ** dice.pick(_COFACTOR_EXPONENTS)


def _two_powers(inner: Expr, dice: Dice) -> Expr:
    return _power_of_x(inner, dice) + _constant(dice) * X ** dice.between(0, 2)


def _other_kernel(inner: Expr, dice: Dice) -> Expr:
    return _kernel(_constant(dice) * X, dice)


_Cofactor = Callable[[Expr, Dice], Expr]
# What lets a term have an elementary antiderivative more often than not, and what does so less often.
_FITTING: Final[tuple[_Cofactor, ...]] = (_slope, _slope, _slope_times_kernel, _slope_times_inner, _two_powers)
_OTHER: Final[tuple[_Cofactor, ...]] = (
    *(_one, _power_of_x, _power_of_x, _two_powers, _other_kernel),
    *(_slope_times_power, _slope_times_kernel),
)
