"""One form for an expression however its arguments were ordered, and the fingerprint of that form."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from sympy import Expr

from intclass.components.shared.expressions._build import build
from intclass.components.shared.expressions._decompose import decompose
from intclass.components.shared.expressions._limits import TRUSTED_LIMITS
from intclass.components.shared.expressions._text import to_text, write

_HASH_DIGITS: Final = 16
_MAX_ROUNDS: Final = 10


@lru_cache(maxsize=1024)  # one expression is asked for its text, fingerprint and skeleton in turn
def canonical(expr: Expr) -> Expr:
    """SymPy's automatic evaluation, taken until nothing changes, with arguments in SymPy's structural order.

    Reordered sums and products, `a - b` and `a + (-1)*b`, `1/sqrt(x)` and `x**(-1/2)`, `2*x + x` and `3*x` become the
    same; so do `2*(x + 1)` and `2*x + 2`. Nothing is expanded, factored or simplified beyond that: `(x + 1)**2` and
    `x**2 + 2*x + 1`, `x*(x + 1)` and `x**2 + x`, `sin(x)**2 + cos(x)**2` and `1` stay different. The result depends on
    the expression alone, not on hash seeds or on what was computed before.
    Raises ExpressionError for what is not elementary.
    """
    seen = [expr]
    for _ in range(_MAX_ROUNDS):
        rebuilt = build(decompose(seen[-1]), TRUSTED_LIMITS)
        if rebuilt == seen[-1]:
            return rebuilt
        if rebuilt in seen:  # evaluation goes round in a circle: any fixed choice from the circle will do
            return min(seen[seen.index(rebuilt) :], key=to_text)
        seen.append(rebuilt)
    return seen[-1]


def canonical_text(expr: Expr) -> str:
    """The canonical form as text; `parse` reads it back to the canonical form."""
    return write(decompose(canonical(expr)))


def fingerprint(expr: Expr) -> str:
    """16 hexadecimal digits of the SHA-256 of the canonical text: equal for what `canonical` makes equal."""
    return digest(canonical_text(expr))


def digest(text: str) -> str:
    """16 hexadecimal digits of the text's SHA-256: of a canonical text, the fingerprint."""
    return hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
