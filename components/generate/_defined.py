"""Whether a function has values at all, found in double precision at a few complex points."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Mapping
from typing import Any, Final

from sympy import E, Expr, pi

from intclass.components.generate._constants import UNARY_FUNCTIONS
from intclass.components.shared.expressions import X

# Of several sizes, off the axes, where branch cuts lie.
_POINTS: Final = (0.31 + 0.17j, 0.72 - 0.55j, -0.63 + 0.88j, 1.41 + 0.39j, -0.94 - 0.42j, 2.23 - 1.12j)
_ENOUGH: Final = 2
_LARGEST: Final = 1e12
_ZERO: Final = 1e-9  # a value or a relative difference below this may be zero in disguise
_RECIPROCALS: Final = {"cot": "tan", "sec": "cos", "csc": "sin", "coth": "tanh", "sech": "cosh", "csch": "sinh"}
_NAMED: Final = {pi: cmath.pi, E: cmath.e}


def is_defined(expr: Expr) -> bool:
    """Whether the function has values at two of six points, without a zero or an infinity on the way to them.

    This finds what SymPy does not see: 1/(sin(x)**2 + cos(x)**2 - 1) has no values, though no part of it is infinite.
    """
    return sum(_has_value(expr, point) for point in _POINTS) >= _ENOUGH


def _has_value(expr: Expr, point: complex) -> bool:
    try:
        _value(expr, point)
    except (ArithmeticError, ValueError):
        return False
    return True


def _value(expr: Any, point: complex) -> complex:  # noqa: ANN401 - SymPy is untyped
    if expr == X:
        return point
    if expr.is_Rational:
        return complex(int(expr.p) / int(expr.q))
    if expr in _NAMED:
        return complex(_NAMED[expr])
    values = [_value(argument, point) for argument in expr.args]
    if expr.is_Add:
        return _sum(values)
    if expr.is_Mul:
        return _checked(_product(values))
    return _checked(values[0] ** values[1] if expr.is_Pow else _FUNCTIONS[expr.func.__name__](values[0]))


def _sum(values: list[complex]) -> complex:
    total = sum(values)
    if abs(total) < _ZERO * max(map(abs, values)):
        raise ArithmeticError
    return _checked(total)


def _product(values: list[complex]) -> complex:
    product = complex(1)
    for value in values:
        product *= value
    return product


def _checked(value: complex) -> complex:
    if not _ZERO < abs(value) < _LARGEST:
        raise ArithmeticError
    return value


def _one_over(function: Callable[[complex], complex]) -> Callable[[complex], complex]:
    return lambda value: 1 / function(value)


_FUNCTIONS: Final[Mapping[str, Callable[[complex], complex]]] = {
    name: _one_over(getattr(cmath, _RECIPROCALS[name])) if name in _RECIPROCALS else getattr(cmath, name)
    for name in UNARY_FUNCTIONS
}
