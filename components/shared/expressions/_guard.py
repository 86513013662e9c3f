"""What is weighed before SymPy evaluates a step, so that no short text can keep it busy.

SymPy evaluates integer powers at once (9**9**9), also inside products ((3*x)**99), turns exp(c*log(b)) into b**c, and
looks for the branch of a root of a power. Each of these is refused here while it is still small.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from sympy import Mul

from intclass.components.shared.expressions._limits import Limits, outside_range, over_limit, unreadable
from intclass.components.shared.expressions._magnitude import Magnitudes, Measure, is_constant

_BITS_PER_DIGIT: Final = math.log2(10)
# A root of a power inside another takes SymPy about 8 times as long; this stops at three levels.
_LEVEL_COST: Final = 8
_MAX_BRANCH_COST: Final = 200


class Guard:
    """The checks of one expression's building. `strict` is off where the text comes from an engine of ours."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.strict = limits.checks_constants
        self._bits = limits.digits * _BITS_PER_DIGIT + 1
        self._magnitudes = Magnitudes()
        self._levels: dict[Any, int] = {}
        self._branch_cost = 0

    def constant(self, expr: Any) -> Measure | None:  # noqa: ANN401 - SymPy is untyped
        """The measure of a constant, None for what is not constant."""
        return self._magnitudes.of(expr) if is_constant(expr) else None

    def application(self, name: str, argument: Any, place: int) -> None:  # noqa: ANN401
        """Before a function is applied to its argument."""
        if name == "exp":
            self.exponent(argument, place)
        if is_constant(argument):
            self._measure(self._magnitudes.applied(name, argument), place)

    def power(self, base: Any, exponent: Any, place: int) -> None:  # noqa: ANN401
        """Before a power is evaluated."""
        self.exponent(exponent, place)
        if exponent.is_Rational:
            bits = sum(_bits(number) * abs(power) for number, power in _number_powers(base))
            if bits * abs(exponent) > self._bits:
                raise outside_range(self._limits, place)
        if not is_constant(base):
            self._branches(base, exponent, place)
        elif is_constant(exponent):
            self._measure(self._magnitudes.power(base, exponent), place)

    def exponent(self, expr: Any, place: int) -> None:  # noqa: ANN401
        """The numbers that add or multiply in an exponent are within the limit."""
        for number in _leading_numbers(expr):
            if abs(number) > self._limits.exponent:
                limit = f"{self._limits.exponent} (exponent)"
                raise over_limit("the exponent", value=_short(number), limit=limit, position=place)

    def result(self, expr: Any, place: int) -> None:  # noqa: ANN401
        """After a step: the numbers that evaluation brought to the top are within the limits."""
        for part in expr.args if expr.is_Add or expr.is_Mul else (expr,):
            if part.is_Rational and _bits(part) > self._bits:
                raise outside_range(self._limits, place)
            if part.is_Pow:
                self.exponent(part.exp, place)

    def _measure(self, measure: Measure, place: int) -> None:
        if measure.huge and self.strict:
            raise outside_range(self._limits, place)

    def _branches(self, base: Any, exponent: Any, place: int) -> None:  # noqa: ANN401
        if exponent.is_Integer or not _has_power(base):
            return
        self._branch_cost += _LEVEL_COST ** self._nested_roots(base)
        if self._branch_cost > _MAX_BRANCH_COST and self.strict:
            raise unreadable("too many roots of powers inside one another", place)

    def _nested_roots(self, expr: Any) -> int:  # noqa: ANN401
        """How many roots of powers lie inside one another, as in sqrt(sin(sqrt(x**2))**2)."""
        known = self._levels.get(expr)
        if known is None:
            here = expr.is_Pow and not expr.exp.is_Integer and _has_power(expr.base)
            known = self._levels[expr] = here + max(map(self._nested_roots, expr.args), default=0)
        return known


def _leading_numbers(expr: Any) -> Iterator[Any]:  # noqa: ANN401
    """3 and 2 in 3 + 2*x, not the 5 in sin(5*x)."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if node.is_Rational:
            yield node
        elif node.is_Add or node.is_Mul:
            stack.extend(node.args)


def _number_powers(expr: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    """The numbers among the factors of an expression, each with the power it is raised to."""
    for factor in Mul.make_args(expr):
        if factor.is_Rational:
            yield factor, 1
        elif factor.is_Pow and factor.base.is_Rational and factor.exp.is_Rational:
            yield factor.base, factor.exp


def _has_power(expr: Any) -> bool:  # noqa: ANN401
    return any(factor.is_Pow and factor.exp.is_Rational for factor in Mul.make_args(expr))


def _bits(number: Any) -> float:  # noqa: ANN401
    """Of the numerator or denominator; 0 for 0, 1 and -1, which powers do not make larger."""
    return math.log2(max(abs(int(number.p)), int(number.q)))


def _short(number: Any) -> str:  # noqa: ANN401
    text = str(number)
    return text if len(text) <= 12 else f"a number of {len(text)} digits"
