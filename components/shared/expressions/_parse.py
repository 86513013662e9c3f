"""The two doors: a user's text, and an engine's."""

from __future__ import annotations

from typing import Any, Final

from sympy import AccumBounds, Expr, I, nan, oo, zoo

from intclass.components.shared.expressions._build import build, built
from intclass.components.shared.expressions._limits import DEFAULT_LIMITS, TRUSTED_LIMITS, Limits, unreadable
from intclass.components.shared.expressions._reader import read
from intclass.components.shared.expressions._trusted import TrustedBuilder, read_trusted

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
            raise unreadable("the expression is not real: it has a root or logarithm of a negative number")
        stack.extend(node.args)


def parse_trusted(text: str) -> Expr:
    """An engine's answer: limits lifted far, special functions, complex constants and the forms below admitted.

    Written as SymPy prints them: `Piecewise((a, x > 0), (b, True))`, `RootSum(p(t), Lambda(t, f(t)))`,
    `CRootOf(p(x), k)`, `hyper((a,), (b,), x)`, `meijerg(((a,), ()), ((b,), ()), x)`. `dilog(x)` is Euler's
    dilogarithm of 1 - x, as FriCAS and Maple have it. Multiplication signs are not optional. Symbols other than x are
    read only where Lambda binds them, and come back under the name they are written with.

    Refused: Integral and other unevaluated forms, undefined values (zoo, nan), Lambda of several
    variables, sums of more than about 3000 terms (Python's parser). Raises ExpressionError.
    """
    return built(read_trusted(text, TRUSTED_LIMITS), TRUSTED_LIMITS, TrustedBuilder)
