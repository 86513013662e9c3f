"""r*exp(p), r*sin(p) and r*cos(p) with rational r and p: half of them proven nonelementary, half elementary twins.

Liouville's theorem (see `shared.theorems`) decides every one of them. A twin is q*exp(p) differentiated, or the
integral of P(p)*p'*sin(p) with a linear polynomial P; what is proven is such a cofactor with a rational function added
to it, or a rational function alone. So neither the family nor its look tells the class.
"""

from __future__ import annotations

from typing import Final

from sympy import Expr, cancel, cos, diff, exp, sin, together

from intclass.components.generate._build import failure_refuses, settle
from intclass.components.generate._construction import Construction, proven, solved
from intclass.components.generate._dice import Dice
from intclass.components.shared.expressions import X

MOST_NODES: Final = 8  # shared by r and p; rational functions of more are beyond what the theorem computes with
_TWIN: Final = "liouville: derivative of the antiderivative"


def liouville(nodes: int, dice: Dice) -> Construction:
    """One of the class that the dice want."""
    nodes = max(2, min(nodes, MOST_NODES))
    exponent = dice.rational(dice.between(1, max(1, nodes // 2)))
    kernel = dice.pick((exp, exp, sin, cos))
    rest = max(1, nodes // 2)
    if dice.elementary:
        cofactor, antiderivative = _twin(kernel, exponent, rest, dice)
        return solved(settle(cofactor * kernel(exponent)), antiderivative, _TWIN)
    cofactor = dice.rational(rest)
    if dice.coin():
        cofactor = _lowest_terms(_twin(kernel, exponent, rest, dice)[0] + cofactor)
    return proven(settle(cofactor * kernel(exponent)))


def _twin(kernel: type[Expr], exponent: Expr, nodes: int, dice: Dice) -> tuple[Expr, Expr]:
    """A cofactor with which the kernel has an elementary antiderivative, and that antiderivative."""
    slope = diff(exponent, X)
    if kernel is exp:
        factor = dice.rational(nodes)
        return _lowest_terms(diff(factor, X) + slope * factor), factor * exp(exponent)
    constant, linear = dice.integer(), dice.between(0, 1) * dice.integer()
    polynomial = constant + linear * exponent
    # The derivative of P(p)*sin(p) is P(p)*p'*cos(p) + P'*p'*sin(p), and so on.
    if kernel is sin:
        antiderivative = linear * sin(exponent) - polynomial * cos(exponent)
    else:
        antiderivative = linear * cos(exponent) + polynomial * sin(exponent)
    return _lowest_terms(polynomial * slope), antiderivative


def _lowest_terms(expr: Expr) -> Expr:
    with failure_refuses():
        return cancel(together(expr))
