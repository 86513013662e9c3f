"""Rough values of constants, in doubles: what SymPy would choke on is seen before SymPy sees it.

Comparing `tan(exp(exp(9)))` to zero needs thousands of digits, and finding the branch of `sqrt(acos(2)**2)` takes SymPy
a minute. The first is outside every sensible range; the second is a root of a constant that is not real.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sympy import E, Expr, I, pi

from intclass.components.shared.expressions._names import X

_DIRECT: Final = ["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "log"]
_RECIPROCAL: Final = {"cot": "tan", "sec": "cos", "csc": "sin", "coth": "tanh", "sech": "cosh", "csch": "sinh"}
_SURE: Final = 1e-6
_ROUNDING: Final = 1e-12  # an imaginary part below this, relative to the value, is a rounding error


class Measure(NamedTuple):
    """What is known of a constant: its value, infinite if outside the range of doubles, None if there is none.

    `real` is false if a constant that is not real went into it: into acos(2)**2, although its value is real.
    """

    value: complex | None
    real: bool

    @property
    def huge(self) -> bool:
        """Whether the constant is larger than about 10**308, or closer to zero than 10**-308."""
        return self.value is not None and not cmath.isfinite(self.value)

    @property
    def has_imaginary_part(self) -> bool:
        """Whether the value is surely not real."""
        return self.value is not None and not self.huge and abs(self.value.imag) > _SURE * abs(self.value)


def _exp(value: complex) -> complex:
    result = cmath.exp(value)
    if result == 0:
        raise OverflowError
    return result


def _one_over(call: Callable[[complex], complex]) -> Callable[[complex], complex]:
    return lambda value: 1 / call(value)


def _of_one_over(call: Callable[[complex], complex]) -> Callable[[complex], complex]:
    return lambda value: call(1 / value)


def _functions() -> dict[str, Callable[[complex], complex]]:
    table: dict[str, Callable[[complex], complex]] = {name: getattr(cmath, name) for name in _DIRECT}
    table["exp"] = _exp
    for name, other in _RECIPROCAL.items():
        table[name] = _one_over(table[other])
        table[f"a{name}"] = _of_one_over(table[f"a{other}"])
    return table


_FUNCTIONS: Final[Mapping[str, Callable[[complex], complex]]] = MappingProxyType(_functions())


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
    """Measures of constants, remembered while one expression is built."""

    def __init__(self) -> None:
        self._known: dict[Expr, Measure] = {pi: Measure(math.pi, True), E: Measure(math.e, True), I: Measure(1j, False)}

    def of(self, expr: Any) -> Measure:  # noqa: ANN401
        """The measure of a constant expression."""
        known = self._known.get(expr)
        if known is None:
            known = self._known[expr] = self._computed(expr)
        return known

    def applied(self, name: str, argument: Any) -> Measure:  # noqa: ANN401
        """The measure of a function's value at a constant."""
        call = _FUNCTIONS.get(name)
        return _measured(call, self.of(argument)) if call else Measure(None, True)

    def power(self, base: Any, exponent: Any) -> Measure:  # noqa: ANN401
        """The measure of a power of constants."""
        return _measured(_power, self.of(base), self.of(exponent))

    def _computed(self, expr: Any) -> Measure:  # noqa: ANN401
        if expr.is_Rational:
            return _measured(lambda: complex(int(expr.p) / int(expr.q)))
        if expr.is_Add:
            return _measured(_sum, *map(self.of, expr.args))
        if expr.is_Mul:
            return _measured(_product, *map(self.of, expr.args))
        if expr.is_Pow:
            return self.power(*expr.args)
        return self.applied(expr.func.__name__, expr.args[0]) if len(expr.args) == 1 else Measure(None, True)


def _sum(*values: complex) -> complex:
    return sum(values)


def _product(*values: complex) -> complex:
    return math.prod(values)


def _power(base: complex, exponent: complex) -> complex:
    return _exp(exponent * cmath.log(base)) if base else base**exponent


def _measured(call: Callable[..., complex], *operands: Measure) -> Measure:
    values = [operand.value for operand in operands]
    real = all(operand.real for operand in operands)
    if None in values:
        return Measure(None, real)
    if any(operand.huge for operand in operands):
        return Measure(cmath.inf, real)
    try:
        value = call(*values)
    except (ValueError, ZeroDivisionError):  # a pole
        return Measure(None, real)
    except OverflowError:
        return Measure(cmath.inf, real)
    return Measure(value, real and abs(value.imag) <= _ROUNDING * abs(value))
