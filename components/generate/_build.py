"""SymPy objects from words, with automatic simplification, and what turns out to be junk only then."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import reduce
from typing import Any, Final

from sympy import Add, E, Expr, I, Mul, Pow, pi

from intclass.components.generate._constants import (
    LARGEST_EXPONENT,
    POWERS,
    UNARY_FUNCTIONS,
    Constant,
    Junk,
    RefusedError,
    apply_binary,
    apply_unary,
    check_constant,
)
from intclass.components.generate._words import Word
from intclass.components.shared.expressions import Limits, X, canonical, from_prefix
from intclass.components.shared.grammar import BINARY_OPERATORS

# What may stand for a moment; `_value` is stricter about what remains.
_LIMITS: Final = Limits(exponent=LARGEST_EXPONENT, digits=30)
_FOLDED: Final = {Add: "add", Mul: "mul"}
_NAMED: Final = {pi: math.pi, E: math.e}


def build(words: Sequence[Word]) -> Expr:
    """The canonical form of the function in x that the words mean.

    Raises RefusedError if it cannot be built, or is junk; what is returned depends on x.
    """
    spelled = _spell(words)
    with failure_refuses():
        built = from_prefix(spelled, limits=_LIMITS)
    return settle(built)


def settle(expr: Expr) -> Expr:
    """The canonical form of a function in x; raises RefusedError if it cannot be built, or is junk."""
    _check(expr)
    with failure_refuses():
        expr = canonical(expr)
    _check(expr)
    return expr


@contextlib.contextmanager
def failure_refuses() -> Iterator[None]:
    """Refuse as UNBUILT whatever SymPy fails at inside."""
    try:
        yield
    except RefusedError:
        raise
    except Exception as error:  # besides ExpressionError, whatever SymPy's constructors come across
        raise RefusedError(Junk.UNBUILT) from error


def _check(expr: Expr) -> None:
    if _value(expr) is not None:
        raise RefusedError(Junk.CONSTANT)


def _spell(words: Sequence[Word]) -> list[str]:
    """The words in the vocabulary of `expressions`, which has no powN and writes integers in digits."""
    stack: list[list[str]] = []
    for word in reversed(words):
        if isinstance(word, int):
            stack.append(_spell_integer(word))
        elif word == "x":
            stack.append(["x"])
        elif word in BINARY_OPERATORS:
            stack.append([word, *stack.pop(), *stack.pop()])
        elif word in POWERS:
            stack.append(["pow", *stack.pop(), str(POWERS[word])])
        else:
            stack.append([word, *stack.pop()])
    return stack[0]


def _spell_integer(value: int) -> list[str]:
    digits = list(str(abs(value)))
    return [*(["neg"] if value < 0 else []), *(digits if len(digits) == 1 else ["int", *digits, "end"])]


def _value(expr: Any) -> Constant | None:  # noqa: ANN401 - SymPy is untyped
    """The value of a constant expression, None for one with x in it.

    Raises RefusedError for a part that is infinite, not real, over the limits, or outside the grammars' language.
    """
    if expr == X:
        return None
    if expr.is_Rational:
        return check_constant(Fraction(int(expr.p), int(expr.q)))
    if expr in _NAMED:
        return _NAMED[expr]
    if not expr.args:
        raise RefusedError(Junk.COMPLEX if expr is I else Junk.INFINITE)
    values = [_value(argument) for argument in expr.args]
    if expr.func in _FOLDED:
        return reduce(lambda left, right: apply_binary(_FOLDED[expr.func], left, right), values)
    if expr.func is Pow:
        return apply_binary("pow", *values)
    if expr.func.__name__ not in UNARY_FUNCTIONS:
        raise RefusedError(Junk.FOREIGN)
    return apply_unary(expr.func.__name__, values[0])
