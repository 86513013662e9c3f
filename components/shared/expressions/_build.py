"""Tree to SymPy, node by node with SymPy's automatic evaluation, each step weighed before it is taken."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sympy import Add, Expr, Integer, Mul, Pow, Rational, S, exp
from sympy.polys.polyerrors import BasePolynomialError

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions._assumptions import Unasked
from intclass.components.shared.expressions._limits import Limits, over_limit, place_of, unreadable
from intclass.components.shared.expressions._magnitude import Magnitudes, Measure, is_constant
from intclass.components.shared.expressions._names import CONSTANTS, ELEMENTARY, X
from intclass.components.shared.expressions._tree import Node, factors, summands

# What SymPy's constructors raise on odd input. Neither memory running out nor a caller's alarm is among them.
_FAILURES: Final = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError),
    BasePolynomialError,
)
_BITS_PER_DIGIT: Final = math.log2(10)
LEAVES: Final[Mapping[str, Any]] = {"x": X, **CONSTANTS}


def build(node: Node, limits: Limits) -> Expr:
    """The SymPy expression of a tree. Raises ExpressionError where a number or constant would grow over a limit."""
    return built(node, limits, Builder)


def built(node: Node, limits: Limits, builder: type[Builder]) -> Expr:
    """The same with that kind of builder."""
    try:
        with Unasked() as unasked:
            return builder(limits, unasked).build(node)
    except RecursionError:
        raise unreadable("the expression is nested too deeply for SymPy") from None
    except _FAILURES as error:
        raise unreadable(f"SymPy cannot build this expression ({type(error).__name__})") from error


class Builder:
    """Builds from the leaves up. Sums and products are built whole, so their arguments' order does not matter."""

    def __init__(self, limits: Limits, unasked: Unasked) -> None:
        self._limits = limits
        self._unasked = unasked
        self._bits = limits.digits * _BITS_PER_DIGIT
        self._magnitudes = Magnitudes()

    def build(self, node: Node) -> Expr:
        """The expression of this node and all below it."""
        head = node.head
        if head == "int":
            return Integer(node.number)
        if not node.args:
            return self.leaf(node)
        if head in ("add", "neg"):
            return self._sum(node)
        if head in ("mul", "inv"):
            return self._product(node, 1)
        if head == "pow":
            return self._power(self.build(node.args[0]), self.build(node.args[1]), node.args[1].place)
        if head == "sqrt":
            return self._power(self.build(node.args[0]), S.Half, node.place)
        return self.call(node)

    def leaf(self, node: Node) -> Expr:
        """A variable or a named constant."""
        try:
            return LEAVES[node.head]
        except KeyError:
            raise unreadable(f"{node.head[:20]!r} is unknown, or lacks its arguments,", node.place) from None

    def call(self, node: Node) -> Expr:
        """An elementary function at its argument."""
        if node.head not in ELEMENTARY:
            raise unreadable(f"unknown function {node.head!r}", node.place)
        return self._apply(node.head, self.build(node.args[0]), node.args[0].place)

    def settled(self, expr: Any, place: int) -> Expr:  # noqa: ANN401 - SymPy is untyped
        """The expression itself, weighed: the numbers that evaluation brought to its top are within the limits."""
        for part in expr.args if expr.is_Add or expr.is_Mul else (expr,):
            if part.is_Rational and _bits(part) > self._bits + 1:
                raise self._too_large(place)
            if part.is_Pow:
                self._check_exponent(part.exp, place)
        if not is_constant(expr):
            self._unasked.mark(expr)
        elif not (measure := self._magnitudes.of(expr)).real:
            self._unasked.mark(expr, real=False if measure.has_imaginary_part else None)
        return expr

    def _sum(self, node: Node) -> Expr:
        terms = summands(node)
        if len(terms) == 1:
            return self._product(*terms[0])
        return self.settled(Add(*[self._product(term, sign) for term, sign in terms]), node.place)

    def _product(self, node: Node, sign: int) -> Expr:
        parts, inner_sign = factors(node)
        if len(parts) == 1 and not parts[0][1]:
            only = self.build(parts[0][0])
            return only if sign == inner_sign else self.settled(-only, node.place)
        built = [self._inverted(part) if divides else self.build(part) for part, divides in parts]
        if sign != inner_sign:
            built.append(S.NegativeOne)
        return self.settled(Mul(*built), node.place)

    def _inverted(self, node: Node) -> Expr:
        divisor = self.build(node)
        if divisor.is_zero:
            raise unreadable("division by zero", node.place)
        return Rational(1, divisor) if divisor.is_Integer else self._power(divisor, S.NegativeOne, node.place)

    def _apply(self, name: str, argument: Any, place: int) -> Expr:  # noqa: ANN401
        if name == "exp":
            self._check_exponent(argument, place)  # exp(c*log(b)) becomes b**c
        evaluate = True
        if is_constant(argument):
            self._check_measure(self._magnitudes.applied(name, argument), place)
            evaluate = self._magnitudes.of(argument).real
        return self.settled(ELEMENTARY[name](argument, evaluate=evaluate), place)

    def _power(self, base: Any, exponent: Any, place: int) -> Expr:  # noqa: ANN401
        if base is S.Exp1:
            return self._apply("exp", exponent, place)
        self._check_exponent(exponent, place)
        if exponent.is_Rational:
            self._check_growth(base, exponent, place)
        if is_constant(exponent) and is_constant(base):
            self._check_measure(self._magnitudes.power(base, exponent), place)
            if not exponent.is_Integer and self._has_branches(base):
                return self.branched(base, exponent, place)
        return self.settled(Pow(base, exponent), place)

    def branched(self, base: Any, exponent: Any, place: int) -> Expr:  # noqa: ANN401
        """What becomes of `sqrt(acos(2)**2)`: SymPy takes minutes to find its branch, so it is refused."""
        raise unreadable("a root of a power of a constant that is not real", place)

    def _has_branches(self, base: Any) -> bool:  # noqa: ANN401
        powers = [factor for factor in Mul.make_args(base) if factor.is_Pow or factor.func is exp]
        return any(not self._magnitudes.of(power).real for power in powers)

    def _check_measure(self, measure: Measure, place: int) -> None:
        if measure.huge and self._limits.checks_constants:
            raise self._too_large(place)

    def _check_exponent(self, exponent: Any, place: int) -> None:  # noqa: ANN401
        for number in _leading_numbers(exponent):
            if abs(number) > self._limits.exponent:
                raise over_limit(
                    "the exponent", value=_short(number), limit=f"{self._limits.exponent} (exponent)", position=place
                )

    def _check_growth(self, base: Any, exponent: Any, place: int) -> None:  # noqa: ANN401
        """Integer powers are evaluated at once, also inside a product: (3*x)**99 becomes 3**99*x**99."""
        bits = sum(_bits(number) * abs(power) for number, power in _number_powers(base))
        if bits * abs(exponent) > self._bits:
            raise self._too_large(place)

    def _too_large(self, place: int) -> ExpressionError:
        text = (
            f"the constant{place_of(place)} is outside 10^-{self._limits.digits} to 10^{self._limits.digits} (digits)"
        )
        return ExpressionError(text, position=place if place >= 0 else None)


def _leading_numbers(expr: Any) -> Iterator[Any]:  # noqa: ANN401
    """The numbers that add or multiply in an exponent: 3 and 2 in 3 + 2*x, not the 5 in sin(5*x)."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if node.is_Rational:
            yield node
        elif node.is_Add or node.is_Mul:
            stack.extend(node.args)


def _number_powers(expr: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    """The numbers among the factors of an expression, each with the power it is raised to."""
    for factor in expr.args if expr.is_Mul else (expr,):
        if factor.is_Rational:
            yield factor, 1
        elif factor.is_Pow and factor.base.is_Rational and factor.exp.is_Rational:
            yield factor.base, factor.exp


def _bits(number: Any) -> int:  # noqa: ANN401
    """Of the numerator or denominator; 0 for 0, 1 and -1, which powers do not make larger."""
    larger = max(abs(int(number.p)), int(number.q))
    return larger.bit_length() if larger > 1 else 0


def _short(number: Any) -> str:  # noqa: ANN401
    text = str(number)
    return text if len(text) <= 12 else f"a number of {len(text)} digits"
