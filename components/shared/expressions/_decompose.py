"""SymPy to tree: negative coefficients become minus signs, negative powers divisions, as a person would write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sympy
from sympy import Expr, S

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions._names import CONSTANTS, ELEMENTARY, X
from intclass.components.shared.expressions._tree import TWO, X_LEAF, Node, integer

NAMES: Final[Mapping[Any, str]] = {function: name for name, function in ELEMENTARY.items()}
_LEAVES: Final[Mapping[Any, Node]] = {X: X_LEAF, **{value: Node(name) for name, value in CONSTANTS.items()}}


def decompose(expr: Expr) -> Node:
    """The tree of an expression in x; arguments keep SymPy's order. Raises ExpressionError for what has no word.

    `build(decompose(e)) == e` for every e that SymPy's automatic evaluation leaves as it is.
    """
    leaf = _LEAVES.get(expr)
    if leaf is not None:
        return leaf
    if expr.is_Rational:
        return _rational(expr)
    if expr.is_Add:
        return Node("add", tuple(decompose(argument) for argument in expr.args))
    if expr.is_Mul:
        return _product(expr)
    if expr.is_Pow:
        return _power(expr)
    name = NAMES.get(expr.func)
    if name is None:
        raise ExpressionError(f"{_name_of(expr)} is not part of an elementary expression in x")
    return Node(name, (decompose(expr.args[0]),))


def _name_of(expr: Any) -> str:  # noqa: ANN401 - SymPy is untyped
    return repr(expr.name) if isinstance(expr, sympy.Symbol) else str(expr) if not expr.args else expr.func.__name__


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


def _product(expr: Expr) -> Node:
    coefficient, rest = expr.args[0], expr.args
    if not coefficient.is_Rational:
        return Node("mul", tuple(decompose(factor) for factor in rest))
    parts = _quotient(abs(coefficient)) + [decompose(factor) for factor in rest[1:]]
    node = _joined(parts)
    return Node("neg", (node,)) if coefficient.p < 0 else node


def _power(expr: Expr) -> Node:
    base, exponent = expr.args
    node = decompose(base)
    if not exponent.is_Rational:
        return Node("pow", (node, decompose(exponent)))
    positive = abs(exponent)
    if positive == S.Half:
        node = Node("sqrt", (node,))
    elif positive == 2:
        node = Node("pow", (node, TWO))
    elif positive != 1:
        node = Node("pow", (node, _rational(positive)))
    return Node("inv", (node,)) if exponent.p < 0 else node
