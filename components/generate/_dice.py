"""What one certified sample is drawn with: random functions of a grammar, and choices, from one stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from sympy import Expr, cancel, together

from intclass.components.generate._build import build, settle
from intclass.components.generate._constants import Junk, RefusedError
from intclass.components.generate._screen import screen
from intclass.components.generate._words import Word, choose, draw_integers, fill
from intclass.components.shared.expressions import X
from intclass.components.shared.grammar import Grammar

T = TypeVar("T")

_RATIONAL_OPERATORS: Final = ("add", "sub", "mul", "div", "neg", "inv", "pow2", "pow3")
_FEWEST_OPERATORS: Final = {"add": 1.0, "mul": 1.0, "div": 1.0}  # for a grammar that has none of those


@dataclass(frozen=True)
class Dice:
    """Random numbers and the grammar that they draw from. Every method raises RefusedError for what is junk.

    `elementary` is the class to draw in families that have both: settled before, because proofs fail more often than
    twins, and what is refused is drawn again.
    """

    grammar: Grammar
    rng: np.random.Generator
    elementary: bool

    def function(self, nodes: int) -> Expr:
        """A random function of so many internal nodes, at least 1, as forward samples are drawn."""
        return self._build(fill([nodes], self.grammar, self.rng)[0])

    def rational(self, nodes: int) -> Expr:
        """A random rational function of x, with the grammar's rational operators and leaves."""
        expr = self._build(fill([nodes], _rational(self.grammar), self.rng)[0])
        if not cancel(together(expr)).has(X):
            raise RefusedError(Junk.CONSTANT)
        return expr

    def chain(self, steps: int) -> Expr:
        """A composition u of so many steps that each have an elementary inverse on some interval or region.

        A step applies a unary operator, or a binary operator whose other operand is an integer. Each is an analytic
        function of one variable, not constant (SymPy would have dropped x), whose local inverse is elementary: exp for
        log, asin for sin, a root for a power, subtraction for addition. So u is not constant and has an elementary
        inverse near almost every point.
        """
        words: list[Word] = ["x"]
        for _ in range(steps):
            words = self._wrapped(words)
        return self._build(words)

    def integer(self) -> int:
        """An integer after the grammar's law."""
        return int(draw_integers(self.grammar.integers, (1,), self.rng)[0])

    def between(self, low: int, high: int) -> int:
        """A uniform integer, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def coin(self) -> bool:
        """True or False, equally likely."""
        return self.between(0, 1) == 1

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, equally likely."""
        return options[self.between(0, len(options) - 1)]

    def _build(self, words: Sequence[Word]) -> Expr:
        screen(words)
        return build(words)

    def _wrapped(self, words: list[Word]) -> list[Word]:
        unary, binary = self.grammar.unary, self.grammar.binary
        if unary and (not binary or self.coin()):
            return [choose(unary, (1,), self.rng)[0], *words]
        operator, constant = choose(binary, (1,), self.rng)[0], self.integer()
        return [operator, constant, *words] if self.coin() else [operator, *words, constant]


def compose(outer: Expr, inner: Expr) -> Expr:
    """`outer` with `inner` in the place of x, canonical."""
    return settle(outer.subs(X, inner))


def _rational(grammar: Grammar) -> Grammar:
    unary = {name: weight for name, weight in grammar.unary.items() if name in _RATIONAL_OPERATORS}
    binary = {name: weight for name, weight in grammar.binary.items() if name in _RATIONAL_OPERATORS}
    return replace(grammar, unary=unary or {"pow2": 1.0}, binary=binary or _FEWEST_OPERATORS)
