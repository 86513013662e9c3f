"""Rewritings of a function that leave unchanged whether it has an elementary antiderivative.

If F' = f, then c*f has c*F, f(a*x + b) has F(a*x + b)/a, and f plus a polynomial has F plus a polynomial; each way
back is of the same kind. The other rewritings change the form alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from sympy import Expr, Integer, Pow, Rational, expand, factor, factor_terms

from intclass.components.finetune.reorder import reorder
from intclass.components.shared.expressions import X, canonical, count_nodes, from_prefix, prefix_words

_MAX_NODES: Final = 60  # of what is expanded or factored: the time for it has no bound
_MAX_EXPANDED_POWER: Final = 4
_FACTORS: Final = (Integer(2), Integer(3), Integer(7), Integer(-1), Rational(1, 2), Rational(-5, 3))
_SLOPES: Final = (Integer(2), Integer(3), Integer(-1), Rational(1, 2))
_SHIFTS: Final = (Integer(1), Integer(2), Integer(-3))
_COEFFICIENTS: Final = (-4, -2, -1, 1, 2, 3, 5)


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """A rewriting: `rewrite` maps prefix words to other ones, drawing constants from a generator; None if it cannot."""

    name: str
    title: str
    rewrite: Callable[[str, random.Random], str | None]


def _of_expression(change: Callable[[Expr, random.Random], Expr]) -> Callable[[str, random.Random], str | None]:
    """A change of the expression, brought back to canonical prefix words as every input of a model is."""

    def rewrite(prefix: str, rng: random.Random) -> str | None:
        return _words(change(from_prefix(prefix.split()), rng))

    return rewrite


def _of_small_expression(change: Callable[[Expr], Expr]) -> Callable[[str, random.Random], str | None]:
    def rewrite(prefix: str, rng: random.Random) -> str | None:
        return _words(change(from_prefix(prefix.split()))) if count_nodes(prefix) <= _MAX_NODES else None

    return rewrite


def _words(expr: Expr) -> str:
    return " ".join(prefix_words(canonical(expr)))


def _times_constant(expr: Expr, rng: random.Random) -> Expr:
    return rng.choice(_FACTORS) * expr


def _affine(expr: Expr, rng: random.Random) -> Expr:
    return expr.subs(X, rng.choice(_SLOPES) * X + rng.choice(_SHIFTS))


def _plus_polynomial(expr: Expr, rng: random.Random) -> Expr:
    first, second = (rng.choice(_COEFFICIENTS) for _ in range(2))
    return expr + first * X ** rng.choice((2, 3)) + second * X


def _commuted(prefix: str, rng: random.Random) -> str:
    """The words in another order, given to the model itself: the reader of text would sort the arguments again."""
    return " ".join(reorder(prefix.split(), np.random.default_rng(rng.getrandbits(32))))


def _expanded(expr: Expr) -> Expr:
    powers = (power.exp for power in expr.atoms(Pow) if power.base.is_Add and power.exp.is_Integer)
    return expr if any(abs(power) > _MAX_EXPANDED_POWER for power in powers) else expand(expr)


def _factored(expr: Expr) -> Expr:
    return factor(expr) if expr.is_rational_function(X) else factor_terms(expr)


REWRITINGS: Final[Sequence[Rewriting]] = (
    Rewriting(name="constant_factor", title="c·f(x)", rewrite=_of_expression(_times_constant)),
    Rewriting(name="affine", title="f(a·x + b)", rewrite=_of_expression(_affine)),
    Rewriting(name="plus_polynomial", title="f(x) + polynomial", rewrite=_of_expression(_plus_polynomial)),
    Rewriting(name="commuted", title="arguments reordered", rewrite=_commuted),
    Rewriting(name="expanded", title="expanded", rewrite=_of_small_expression(_expanded)),
    Rewriting(name="factored", title="factored", rewrite=_of_small_expression(_factored)),
)
