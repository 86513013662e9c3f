"""The families of samples that are made on purpose: one function each, and what all of them must pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from sympy import Expr, preorder_traversal

from intclass.components.generate._build import failure_refuses, settle
from intclass.components.generate._chebyshev import chebyshev
from intclass.components.generate._constants import Junk, RefusedError
from intclass.components.generate._construction import Construction
from intclass.components.generate._defined import is_defined
from intclass.components.generate._dice import Dice
from intclass.components.generate._differentiated import backward, parts
from intclass.components.generate._disguised import disguised
from intclass.components.generate._liouville import liouville
from intclass.components.generate._short import short

MADE: Final[Mapping[str, Callable[[int, Dice], Construction]]] = {
    "backward": backward,
    "parts": parts,
    "liouville": liouville,
    "chebyshev": chebyshev,
    "disguised": disguised,
    "short": short,
}

# Operators and leaves of an integrand: so many more than its internal nodes times so many.
_FRAME, _GROWTH = 30, 8
_ANTIDERIVATIVE: Final = 4  # times as large as an integrand may be


def construct(family: str, nodes: int, dice: Dice) -> Construction:
    """A function of the family, canonical, with its label where that is known; raises RefusedError for junk."""
    with failure_refuses():
        made = MADE[family](nodes, dice)
    limit = _FRAME + _GROWTH * nodes
    integrand = _finished(made.integrand, limit)
    antiderivative = made.antiderivative
    if antiderivative is not None:
        antiderivative = _finished(antiderivative, _ANTIDERIVATIVE * limit)
    return replace(made, integrand=integrand, antiderivative=antiderivative)


def _finished(expr: Expr, limit: int) -> Expr:
    if sum(1 for _ in islice(preorder_traversal(expr), limit + 1)) > limit:
        raise RefusedError(Junk.LARGE)
    expr = settle(expr)
    if not is_defined(expr):
        raise RefusedError(Junk.UNDEFINED)
    return expr
