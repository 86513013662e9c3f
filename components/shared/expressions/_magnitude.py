"""Rough values of constants, so that a tower of exponentials is refused before SymPy tries to compare it to zero."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sympy import E, Expr, pi

from intclass.components.shared.expressions._names import X

_DIRECT: Final = "sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh log".split()
_RECIPROCAL: Final = {"cot": "tan", "sec": "cos", "csc": "sin", "coth": "tanh", "sech": "cosh", "csch": "sinh"}


def _exp(value: complex) -> complex:
    result = cmath.exp(value)
    if result == 0:
        raise OverflowError
    return result


def _functions() -> dict[str, Callable[[complex], complex]]:
    table: dict[str, Callable[[complex], complex]] = {name: getattr(cmath, name) for name in _DIRECT}
    table["exp"] = _exp
    for name, other in _RECIPROCAL.items():
        table[name] = lambda value, call=table[other]: 1 / call(value)
        table[f"a{name}"] = lambda value, call=table[f"a{other}"]: call(1 / value)
    return table


FUNCTIONS: Final[Mapping[str, Callable[[complex], complex]]] = MappingProxyType(_functions())


def is_constant(expr: Any) -> bool:  # noqa: ANN401 - SymPy is untyped
    """Whether x does not occur. Stops at the first x, so it is cheap on what is not constant."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if node == X:
            return False
        stack.extend(node.args)
    return True


class Magnitudes:
    """Values of constant expressions as complex doubles, remembered while one expression is built."""

    def __init__(self) -> None:
        self._known: dict[Expr, complex | None] = {pi: cmath.pi, E: cmath.e}

    def value(self, expr: Any) -> complex | None:  # noqa: ANN401
        """The value, or None where there is none in doubles (a pole, an unknown function).

        Raises OverflowError for a constant outside the range of doubles, about 10**-308 to 10**308.
        """
        if expr not in self._known:
            try:
                self._known[expr] = self._computed(expr)
            except (ValueError, ZeroDivisionError):
                self._known[expr] = None
        return self._known[expr]

    def applied(self, name: str, argument: Any) -> None:  # noqa: ANN401
        """Raises OverflowError if the function's value at that constant is outside the range."""
        value = self.value(argument)
        if value is not None and name in FUNCTIONS:
            try:
                FUNCTIONS[name](value)
            except (ValueError, ZeroDivisionError):
                return

    def power(self, base: Any, exponent: Any) -> None:  # noqa: ANN401
        """Raises OverflowError if the power of two constants is outside the range."""
        left, right = self.value(base), self.value(exponent)
        if left and right is not None and abs(right * cmath.log(left).real) > 0:
            _exp(right * cmath.log(left))

    def _computed(self, expr: Any) -> complex | None:  # noqa: ANN401
        if expr.is_Rational:
            return complex(int(expr.p) / int(expr.q))
        values = [self.value(argument) for argument in expr.args]
        if not values or None in values:
            return None
        numbers = [value for value in values if value is not None]
        if expr.is_Add:
            return sum(numbers)
        if expr.is_Mul:
            product = complex(1)
            for number in numbers:
                product *= number
            return product
        if expr.is_Pow:
            return _exp(numbers[1] * cmath.log(numbers[0])) if numbers[0] else None
        call = FUNCTIONS.get(expr.func.__name__)
        return call(numbers[0]) if call and len(numbers) == 1 else None
