"""SymPy to tree: negative coefficients become minus signs, negative powers divisions, as a person would write them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sympy import Dummy, Expr, Lambda, Piecewise, RootSum, S, Symbol, Tuple
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.functions.special.hyper import TupleArg
from sympy.polys.rootoftools import ComplexRootOf

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions._names import (
    ALL_NAMES,
    CONDITIONS,
    CONNECTIVES,
    CONSTANTS,
    ELEMENTARY,
    RELATIONS,
    SPECIAL,
    SPECIAL_CONSTANTS,
    TRUTH,
    X,
)
from intclass.components.shared.expressions._tree import TWO, X_LEAF, Node, integer

# The head of the node for each class of functions; the elementary ones alone have a prefix word.
ELEMENTARY_HEADS: Final[Mapping[Any, str]] = MappingProxyType({function: name for name, function in ELEMENTARY.items()})
_SPECIAL_HEADS: Final[Mapping[Any, str]] = MappingProxyType(
    {function: name for name, function in (*SPECIAL.items(), *CONDITIONS.items())}
    | {function: head for head, (function, _) in (*RELATIONS.items(), *CONNECTIVES.items())}
    | {Tuple: "tuple", TupleArg: "tuple", ExprCondPair: "tuple", Piecewise: "Piecewise", ComplexRootOf: "CRootOf"}
)
_LEAVES: Final[Mapping[Any, Node]] = MappingProxyType(
    {X: X_LEAF}
    | {value: Node(name) for name, value in (*CONSTANTS.items(), *SPECIAL_CONSTANTS.items(), *TRUTH.items())}
)


def decompose(expr: Expr) -> Node:
    """The tree of an expression in x; arguments keep SymPy's order. Raises ExpressionError for what has no notation.

    `build(decompose(e)) == e` for every e that SymPy's automatic evaluation leaves as it is.
    """
    try:
        return _Decomposer().node(expr)
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply to be written") from None


class _Decomposer:
    """Walks an expression; knows the names of the variables that Lambda binds on the way down."""

    def __init__(self) -> None:
        self._bound: dict[Any, Node] = {}

    def node(self, expr: Any) -> Node:  # noqa: ANN401 - SymPy is untyped
        leaf = _LEAVES.get(expr)
        if leaf is not None:
            return leaf
        if expr.is_Rational:
            return _rational(expr)
        if expr.is_Add:
            return Node("add", self._nodes(expr.args))
        if expr.is_Mul:
            return self._product(expr.args)
        if expr.is_Pow:
            return self._power(*expr.args)
        head = ELEMENTARY_HEADS.get(expr.func)
        return Node(head, self._nodes(expr.args)) if head else self._special(expr)

    def _nodes(self, arguments: tuple[Any, ...]) -> tuple[Node, ...]:
        return tuple([self.node(argument) for argument in arguments])

    def _product(self, arguments: tuple[Any, ...]) -> Node:
        coefficient = arguments[0]
        if not coefficient.is_Rational:
            return Node("mul", self._nodes(arguments))
        node = _joined([*_quotient(abs(coefficient)), *self._nodes(arguments[1:])])
        return Node("neg", (node,)) if coefficient.p < 0 else node

    def _power(self, base: Any, exponent: Any) -> Node:  # noqa: ANN401
        node = self.node(base)
        if not exponent.is_Rational:
            return Node("pow", (node, self.node(exponent)))
        positive = abs(exponent)
        if positive == S.Half:
            node = Node("sqrt", (node,))
        elif positive == 2:
            node = Node("pow", (node, TWO))
        elif positive != 1:
            node = Node("pow", (node, _rational(positive)))
        return Node("inv", (node,)) if exponent.p < 0 else node

    def _special(self, expr: Any) -> Node:  # noqa: ANN401
        if expr in self._bound:
            return self._bound[expr]
        if expr is S.NegativeInfinity:
            return Node("neg", (Node("oo"),))
        if isinstance(expr, RootSum):
            polynomial, function, variable = expr.args
            self._bind(variable)
            return Node("RootSum", (self.node(polynomial), self.node(function)))
        if isinstance(expr, Lambda) and len(expr.variables) == 1:
            self._bind(expr.variables[0])
            return Node("Lambda", self._nodes((expr.variables[0], expr.expr)))
        head = _SPECIAL_HEADS.get(expr.func)
        if head is None:
            raise ExpressionError(f"{_name_of(expr)} cannot be written as an expression in x")
        return Node(head, self._nodes(expr.args))

    def _bind(self, variable: Any) -> None:  # noqa: ANN401
        """Give a bound variable a name that no other has; a dummy is printed with an underscore, as SymPy does."""
        if variable in self._bound or variable == X:
            return
        wanted = f"_{variable.name}" if isinstance(variable, Dummy) else variable.name
        taken = ALL_NAMES | {node.head for node in self._bound.values()}
        name = next(name for name in (wanted, *(f"_t{n}" for n in range(len(taken) + 1))) if name not in taken)
        self._bound[variable] = Node(name)


def _name_of(expr: Any) -> str:  # noqa: ANN401
    if isinstance(expr, Symbol):
        return f"the variable {expr.name[:20]!r}"
    return str(expr)[:40] if not expr.args else str(expr.func.__name__)


def _rational(number: Any) -> Node:  # noqa: ANN401
    if number.p < 0:
        return Node("neg", (_rational(-number),))
    if number.q == 1:
        return integer(int(number.p))
    return _joined(_quotient(number))


def _quotient(number: Any) -> list[Node]:  # noqa: ANN401
    """The factors of a positive rational: none for 1, else its numerator and one over its denominator."""
    numerator = [integer(int(number.p))] if number.p != 1 else []
    return numerator if number.q == 1 else [*numerator, Node("inv", (integer(int(number.q)),))]


def _joined(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Node("mul", tuple(parts))
