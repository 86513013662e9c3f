"""Tree to SymPy, node by node with SymPy's automatic evaluation, each step weighed before it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sympy import Add, Expr, Integer, Mul, Pow, Rational, S
from sympy.polys.polyerrors import BasePolynomialError

from intclass.components.shared.expressions._assumptions import Unasked
from intclass.components.shared.expressions._guard import Guard
from intclass.components.shared.expressions._limits import Limits, unreadable
from intclass.components.shared.expressions._names import CONSTANTS, ELEMENTARY, X
from intclass.components.shared.expressions._tree import Node, factors, summands

LEAVES: Final[Mapping[str, Any]] = {"x": X, **CONSTANTS}

# What SymPy's constructors raise on odd input. Neither memory running out nor a caller's alarm is among them.
_FAILURES: Final = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError),
    BasePolynomialError,
)


def build(node: Node, limits: Limits) -> Expr:
    """The SymPy expression of a tree. Raises ExpressionError where a number or constant would grow over a limit."""
    return built(node, limits, Builder)


def built(node: Node, limits: Limits, builder: type[Builder]) -> Expr:
    """The same with that kind of builder."""
    try:
        with Unasked() as unasked:
            return builder(Guard(limits), unasked).build(node)
    except RecursionError:
        raise unreadable("the expression is nested too deeply for SymPy") from None
    except _FAILURES as error:
        raise unreadable(f"SymPy cannot build this expression ({type(error).__name__})") from error


class Builder:
    """Builds from the leaves up. Sums and products are built whole, so their arguments' order does not matter."""

    def __init__(self, guard: Guard, unasked: Unasked) -> None:
        self._guard = guard
        self._unasked = unasked

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
            raise unreadable(f"{node.head[:20]!r} is unknown, or lacks its arguments", node.place) from None

    def call(self, node: Node) -> Expr:
        """An elementary function at its argument."""
        if node.head not in ELEMENTARY:
            raise unreadable(f"unknown function {node.head!r}", node.place)
        return self._apply(node.head, self.build(node.args[0]), node.args[0].place)

    def settled(self, expr: Any, place: int) -> Expr:  # noqa: ANN401 - SymPy is untyped
        """The expression itself, weighed, and spared SymPy's questions where their answers are unknown or dear."""
        self._guard.result(expr, place)
        measure = self._guard.constant(expr)
        if measure is None:
            self._unasked.mark(expr)
        elif not measure.real:
            self._unasked.mark(expr, real=False if measure.has_imaginary_part else None)
        return expr

    def unreal_root(self, base: Any, exponent: Any, place: int) -> Expr:  # noqa: ANN401
        """What becomes of `sqrt(acos(2)**2)`: SymPy can take minutes to find its branch, so it is refused."""
        raise unreadable("a root of a constant that is not real", place)

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
        self._guard.application(name, argument, place)
        measure = self._guard.constant(argument)
        # At a constant that is not real, evaluation finds nothing that is worth its price.
        return self.settled(ELEMENTARY[name](argument, evaluate=measure is None or measure.real), place)

    def _power(self, base: Any, exponent: Any, place: int) -> Expr:  # noqa: ANN401
        if base is S.Exp1:
            return self._apply("exp", exponent, place)
        self._guard.power(base, exponent, place)
        measure = self._guard.constant(base)
        if measure is not None and not measure.real and not exponent.is_Integer and self._guard.constant(exponent):
            return self.unreal_root(base, exponent, place)
        return self.settled(Pow(base, exponent), place)
