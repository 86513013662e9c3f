"""Minimal pairs: two integrands that differ a little, of which one has an elementary antiderivative."""

from __future__ import annotations

from typing import Final, NamedTuple


class Pair(NamedTuple):
    """The elementary one first, and what makes the difference."""

    members: tuple[str, str]
    why: str


PAIRS: Final = (
    Pair(("x*exp(x^2)", "exp(x^2)"), "The factor x is what the chain rule leaves behind."),
    Pair(("sin(x)", "sin(x)/x"), "Divided by x, the sine leads to a function of its own."),
    Pair(("1/(x*log(x))", "1/log(x)"), "Again the chain rule: 1/x is the logarithm's derivative."),
    Pair(("x*sqrt(1 - x^4)", "sqrt(1 - x^4)"), "With the x an arc sine, without it an elliptic integral."),
    Pair(("exp(sqrt(x))", "exp(x^3)"), "One exponent can be substituted away, the other cannot."),
    Pair(("sin(x)*cos(x)^2", "sin(x^2)"), "The square around the cosine, or inside the sine."),
)
