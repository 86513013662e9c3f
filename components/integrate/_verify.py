"""Whether the derivative of an antiderivative is the integrand: at random points, rigorously, in about a millisecond.

At each point both are computed as complex balls (see `_balls`). Balls that do not touch prove that the two differ
there; balls that agree to 18 digits show that they are equal there, and analytic functions that agree at a dozen random
points (real and complex, small and large, on both sides of zero, in all quadrants) are equal between their branch
cuts. Precision is raised where the balls are too wide to tell. What this can find:

* right: equal at every point
* one branch: equal at some points and different at others, as the derivative of x is to x/asin(sin(x)): true between
  some branch cuts, false beyond them
* wrong: different at every point
* undecided: too few points where both have a value, or a function that balls cannot compute
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from flint import acb, arb, ctx, fmpq
from sympy import Expr, diff, simplify

from intclass.components.integrate._balls import Program, UnsupportedError
from intclass.components.shared.expressions import X

POINTS: Final = 12
ENOUGH_POINTS: Final = 6  # of these, no higher precision is needed for the rest
MIN_POINTS: Final = 4  # fewer decide nothing
MAX_TRIES: Final = 48  # an integrand may be undefined at most points
PRECISIONS: Final = (128, 384, 1152)  # bits
_RELATIVE_BITS: Final = 60  # of agreement: 18 digits
_ABSOLUTE_BITS: Final = 300  # where both are zero
_GRID: Final = 2**20  # points are exact: multiples of this fraction


class Agreement(StrEnum):
    """What was found out about an antiderivative."""

    RIGHT = "right"
    ONE_BRANCH = "one branch"
    WRONG = "wrong"
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found, at how many points the derivative equals the integrand and at how many it does not, and how."""

    agreement: Agreement
    agreed: int = 0
    refuted: int = 0
    method: str = ""

    def record(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


def verify(integrand: Expr, antiderivative: Expr, *, seed: str) -> Verification:
    """Differentiate the antiderivative and compare it with the integrand; the points depend on the seed alone."""
    try:
        program = Program(integrand, antiderivative)
    except UnsupportedError as error:
        return Verification(agreement=Agreement.UNDECIDED, method=f"no ball arithmetic for {error}")
    agreed = refuted = 0
    left = list(itertools.islice(_points(seed, real_only=program.real_only), MAX_TRIES))
    for bits in PRECISIONS:
        open_points = []
        for point in left:
            if agreed + refuted == POINTS:
                break
            equal = _compare(program, point, bits)
            if equal is None:
                open_points.append(point)
            else:
                agreed, refuted = agreed + equal, refuted + (not equal)
        left = open_points
        if agreed + refuted >= ENOUGH_POINTS:
            break
    method = f"derivative equal at {agreed} of {agreed + refuted} points (ball arithmetic, {bits} bits)"
    return Verification(agreement=_judge(agreed, refuted), agreed=agreed, refuted=refuted, method=method)


def _judge(agreed: int, refuted: int) -> Agreement:
    if agreed + refuted < MIN_POINTS:
        return Agreement.UNDECIDED
    if not refuted:
        return Agreement.RIGHT
    return Agreement.ONE_BRANCH if agreed else Agreement.WRONG


def _points(seed: str, *, real_only: bool) -> Iterator[acb]:
    """Endless exact points, in turn positive, complex, negative, complex; sizes log-uniform from 0.1 to 20."""
    rng = random.Random(seed)

    def size() -> float:
        return float(0.1 * 200 ** rng.random())

    while True:
        for sign in (1, -1):
            yield acb(_exact(sign * size()))
            if not real_only:
                yield acb(_exact(rng.choice((1, -1)) * size()), _exact(rng.choice((1, -1)) * size()))


def _exact(value: float) -> arb:
    return arb(fmpq(round(value * _GRID), _GRID))


def _compare(program: Program, point: acb, bits: int) -> bool | None:
    """Whether the two are equal at the point; None if that cannot be told at this precision."""
    with ctx.workprec(bits):
        [(value, _), (_, slope)] = program.at((point, acb(1)))
        slope = acb(0) if slope is None else slope
        if not (value.is_finite() and slope.is_finite()):
            return None
        difference = slope - value
        if not difference.contains(0):
            return False
        error = difference.abs_upper()
        equal = error <= value.abs_lower() * arb(2) ** -_RELATIVE_BITS or error <= arb(2) ** -_ABSOLUTE_BITS
        return True if equal else None


def prove_equal(integrand: Expr, antiderivative: Expr) -> Verification:
    """An exact zero test, for what balls cannot compute: SymPy's differentiation and simplification.

    It may take for ever, so it has a limit of its own. A difference that does not simplify to zero decides nothing.
    """
    if simplify(diff(antiderivative, X) - integrand) == 0:
        return Verification(agreement=Agreement.RIGHT, method="derivative minus integrand simplifies to 0")
    return Verification(agreement=Agreement.UNDECIDED, method="derivative minus integrand does not simplify to 0")
