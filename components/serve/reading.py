"""What is needed of an expression once its text is read."""

from __future__ import annotations

from dataclasses import dataclass

from intclass.components.shared.expressions import Limits, canonical, canonical_text, fingerprint, parse, prefix_words


@dataclass(frozen=True)
class Reading:
    """An expression's canonical form; `prefix` are its prefix words joined by spaces."""

    canonical: str
    prefix: str
    fingerprint: str


def read_text(text: str, limits: Limits) -> Reading:
    """The reading of a text in ordinary notation; raises ExpressionError if it is no expression, or over a limit."""
    expression = canonical(parse(text, limits=limits))
    prefix = " ".join(prefix_words(expression))
    return Reading(canonical_text(expression), prefix, fingerprint(expression))
