"""Families of near-copies: what a split must not tear apart.

A skeleton masks constants where they stand, so x*exp(x**2) and 7*x*exp(3*x**2) have different ones: the first has no
coefficients to mask. Yet f, c*f and f(a*x + b) all have an elementary antiderivative or all have none. A family takes
them together.
"""

from __future__ import annotations

from typing import Any, Final

from sympy import Expr

from intclass.components.shared.expressions._canonical import canonical, digest
from intclass.components.shared.expressions._names import X

_CONSTANT: Final = ""


def family(expr: Expr) -> str:
    """16 hexadecimal digits: equal for functions that agree up to constant terms, factors and exponents, at any depth.

    Functions with one skeleton are of one family.
    """
    return digest(_written(canonical(expr)))


def family_shape(expr: Expr) -> str:
    """16 hexadecimal digits: equal for trees of one shape, constants taken away, whatever their operators.

    A coarser key than `structure_hash`, which counts constants as leaves, so that a family has one shape: x + sin(x)
    and 2*x*exp(x**3 + 1) differ in both, x + sin(x) and 2*x*exp(5*x) in their structure alone.
    """
    return digest(_shape(canonical(expr)))


def _written(expr: Any) -> str:  # noqa: ANN401 - SymPy is untyped
    """The tree without its constants, arguments of sums and products sorted; empty if nothing else is in it."""
    if expr == X:
        return "x"
    arguments = [_written(argument) for argument in expr.args]
    if expr.is_Add or expr.is_Mul:
        varying = sorted(argument for argument in arguments if argument != _CONSTANT)
        return f"{expr.func.__name__}({','.join(varying)})" if len(varying) > 1 else "".join(varying)
    if all(argument == _CONSTANT for argument in arguments):
        return _CONSTANT
    return f"{expr.func.__name__}({','.join(arguments)})"


def _shape(expr: Any) -> str:  # noqa: ANN401
    """Nested brackets, a pair for each node of what `_written` writes, sorted; empty for a constant."""
    if expr == X:
        return "()"
    parts = sorted(part for part in map(_shape, expr.args) if part != _CONSTANT)
    if len(parts) == 1 and (expr.is_Add or expr.is_Mul):
        return parts[0]
    return f"({''.join(parts)})" if parts else _CONSTANT
