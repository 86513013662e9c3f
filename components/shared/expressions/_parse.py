"""The two doors: a user's text, and an engine's."""

from __future__ import annotations

from typing import Any, Final

from sympy import AccumBounds, Expr, I, nan, oo, zoo

from intclass.components.shared.expressions._build import build
from intclass.components.shared.expressions._limits import DEFAULT_LIMITS, TRUSTED_LIMITS, Limits, unreadable
from intclass.components.shared.expressions._reader import read

_UNDEFINED: Final = (nan, zoo, oo, -oo)


def parse(text: str, *, limits: Limits = DEFAULT_LIMITS) -> Expr:
    """The expression that a user or a file wrote in ordinary notation, built in SymPy, in the variable x.

    Raises ExpressionError, with the place, for anything that is not such an expression, is over a limit, or has no
    finite real-valued meaning (`1/0`, `sqrt(-2)*x`).
    """
    expr = build(read(text, limits), limits)
    _check_defined(expr)
    return expr


def _check_defined(expr: Any) -> None:  # noqa: ANN401 - SymPy is untyped
    stack = [expr]
    while stack:
        node = stack.pop()
        if node in _UNDEFINED or isinstance(node, AccumBounds):
            raise unreadable(f"the expression has no finite value: a part of it is {node} (a division by zero?)")
        if node is I:
            raise unreadable(
                "the expression is not real: a part of it has the imaginary unit (a root or logarithm of a negative number?)"
            )
        stack.extend(node.args)


def parse_trusted(text: str) -> Expr:
    """As `parse`, for an engine's answer: limits lifted far."""
    return build(read(text, TRUSTED_LIMITS), TRUSTED_LIMITS)
