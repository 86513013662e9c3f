"""Refusing what can only be junk from its words alone, before SymPy sees it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from intclass.components.generate._constants import Constant, Junk, RefusedError, apply_binary, apply_unary
from intclass.components.generate._words import Word
from intclass.components.shared.grammar import BINARY_OPERATORS

DEEPEST_TOWER: Final = 3  # exp(exp(exp(x))); Lample and Charton refuse a fourth too


def screen(words: Sequence[Word]) -> None:
    """Raise RefusedError for a function without x, with a constant out of bounds, or with exponentials nested deep."""
    if "x" not in words:
        raise RefusedError(Junk.CONSTANT)
    stack: list[tuple[Constant | None, int]] = []
    for word in reversed(words):
        if isinstance(word, int):
            stack.append((Fraction(word), 0))
        elif word == "x":
            stack.append((None, 0))
        elif word in BINARY_OPERATORS:
            stack.append(_binary(word, stack.pop(), stack.pop()))
        else:
            stack.append(_unary(word, stack.pop()))
    assert len(stack) == 1, "not a prefix word"


def _unary(word: str, operand: tuple[Constant | None, int]) -> tuple[Constant | None, int]:
    value, depth = operand
    return apply_unary(word, value), _checked_depth(depth + (word == "exp" and value is None))


def _binary(
    word: str, left: tuple[Constant | None, int], right: tuple[Constant | None, int]
) -> tuple[Constant | None, int]:
    (base, base_depth), (exponent, exponent_depth) = left, right
    # f**g is exp(g*log(f)): x in the exponent makes it one more exponential.
    raised = exponent_depth + (word == "pow" and exponent is None)
    return apply_binary(word, base, exponent), _checked_depth(max(base_depth, raised))


def _checked_depth(depth: int) -> int:
    if depth > DEEPEST_TOWER:
        raise RefusedError(Junk.TOWER)
    return depth
