"""Families of near-copies: what a split must not tear apart.

A skeleton masks constants where they stand, so x*exp(x**2) and 7*x*exp(3*x**2) have different ones: the first has no
coefficients to mask. Yet f, c*f and f(a*x + b) all have an elementary antiderivative or all have none. A family takes
them together.

Exponents can change the answer: x**3*exp(x**2) has an elementary antiderivative, x**2*exp(x**2) has none, and both are
of one family. A scaled form keeps them apart.
"""

from __future__ import annotations

from typing import Any, Final

from sympy import Expr

from intclass.components.shared.expressions._canonical import canonical, digest
from intclass.components.shared.expressions._names import X
from intclass.components.shared.expressions._prefix import PREFIX_ARITY

_CONSTANT: Final = ""
_FORMS: Final = frozenset({"add", "sub", "mul", "div", "pow", "neg", "inv", "sqrt"})  # not functions of their own


def family(expr: Expr) -> str:
    """16 hexadecimal digits: equal for functions that agree up to constant terms, factors and exponents, at any depth.

    Functions with one skeleton are of one family.
    """
    return digest(_written(canonical(expr)))


def scaled_form(expr: Expr) -> str:
    """16 hexadecimal digits: equal for functions that agree up to constant terms and factors, at any depth.

    Unlike a family it tells exponents apart. f, c*f and f(a*x + b) have one, so it tells what a label carries over to.
    Functions with one scaled form are of one family.
    """
    return digest(_written(canonical(expr), exponents=True))


def family_signature(prefix: str) -> tuple[str, ...]:
    """How often x and each function of x occur in prefix words, as sorted words: equal for what is of one family.

    It is read off the words alone, hundreds of times as fast as a family is found.
    """
    stack: list[list[str]] = []
    words = iter(reversed(prefix.split()))
    for word in words:
        if word == "end":
            while next(words) != "int":
                pass
            stack.append([])
            continue
        inside = [each for _ in range(PREFIX_ARITY.get(word, 0)) for each in stack.pop()]
        if word == "x" or (inside and word not in _FORMS):
            inside.append(word)
        stack.append(inside)
    (whole,) = stack
    return tuple(sorted(whole))


def family_shape(expr: Expr) -> str:
    """16 hexadecimal digits: equal for trees of one shape, constants taken away, whatever their operators.

    A coarser key than `structure_hash`, which counts constants as leaves, so that a family has one shape: x + sin(x)
    and 2*x*exp(x**3 + 1) differ in both, x + sin(x) and 2*x*exp(5*x) in their structure alone.
    """
    return digest(_shape(canonical(expr)))


def _written(expr: Any, *, exponents: bool = False) -> str:  # noqa: ANN401 - SymPy is untyped
    """The tree without its constants, arguments of sums and products sorted; empty if nothing else is in it.

    With `exponents`, constant ones of what is not constant stay.
    """
    if expr == X:
        return "x"
    arguments = [_written(argument, exponents=exponents) for argument in expr.args]
    if expr.is_Add or expr.is_Mul:
        varying = sorted(argument for argument in arguments if argument != _CONSTANT)
        return f"{expr.func.__name__}({','.join(varying)})" if len(varying) > 1 else "".join(varying)
    if all(argument == _CONSTANT for argument in arguments):
        return _CONSTANT
    if exponents and expr.is_Pow and not expr.exp.has(X):
        arguments[1] = str(expr.exp)
    return f"{expr.func.__name__}({','.join(arguments)})"


def _shape(expr: Any) -> str:  # noqa: ANN401
    """Nested brackets, a pair for each node of what `_written` writes, sorted; empty for a constant."""
    if expr == X:
        return "()"
    parts = sorted(part for part in map(_shape, expr.args) if part != _CONSTANT)
    if len(parts) == 1 and (expr.is_Add or expr.is_Mul):
        return parts[0]
    return f"({''.join(parts)})" if parts else _CONSTANT
