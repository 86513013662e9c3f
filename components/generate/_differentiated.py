"""Elementary by construction: derivatives of random functions, and integration by parts.

After Lample and Charton (2020), "Deep learning for symbolic mathematics", section 3.1: "backward generation" and
"backward generation with integration by parts". Their second method waits until f*G turns up among the integrands it
has solved already, which makes a sample depend on all before it. Here the solved one is made to measure, so that a
sample depends on its own random numbers alone.
"""

from __future__ import annotations

from typing import Final

from sympy import Expr, diff

from intclass.components.generate._construction import Construction, solved
from intclass.components.generate._dice import Dice
from intclass.components.shared.expressions import X, to_text

BACKWARD: Final = "backward: derivative of the antiderivative"


def backward(nodes: int, dice: Dice) -> Construction:
    """F' for a random F of so many nodes."""
    antiderivative = dice.function(nodes)
    return solved(diff(antiderivative, X), antiderivative, BACKWARD)


def parts(nodes: int, dice: Dice) -> Construction:
    """G*F' with F = H'/G' for random G and H, the simpler of which is G.

    As F*G' = H', the integral of G*F' is G*F - H. With G = x this is x*H'', and so x*sin(x), whose antiderivative is a
    sum of two; with G = log(x) and H = x it is log(x) itself. Backward generation meets such integrands, products whose
    antiderivatives are sums, only where terms cancel by chance.
    """
    left, right = _pair(nodes, dice)
    factor = diff(right, X) / diff(left, X)
    certificate = (
        f"parts: G*(H'/G')' has the antiderivative G*H'/G' - H, with G = {to_text(left)} and H = {to_text(right)}"
    )
    return solved(left * diff(factor, X), left * factor - right, certificate)


def _pair(nodes: int, dice: Dice) -> tuple[Expr, Expr]:
    """G, of at most two nodes, and H, which has the rest."""
    small = dice.between(0, min(2, nodes - 1))
    left = dice.function(small) if small else X
    return left, dice.function(nodes - small)
