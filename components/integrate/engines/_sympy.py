"""SymPy as an engine: `sympy.integrate` in a warm process.

It says "no" in three ways, none of them a proof: an unevaluated Integral (its heuristics ended), a
NonElementaryIntegral (its Risch implementation relies on heuristics of its own, see SymPy's pull request 28428), or an
answer in special functions. Each is noted in the reason.
"""

from __future__ import annotations

import time
import warnings
from typing import ClassVar, Final

import sympy
from sympy import AccumBounds, Expr, Integral, exp, log, nan, oo, sqrt, zoo
from sympy.core.cache import clear_cache
from sympy.core.random import seed
from sympy.integrals.risch import NonElementaryIntegral

from intclass.components.integrate.engines._base import Answer, Engine, Status
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import X, to_text

# SymPy's caches and lazy tables are filled before the workers are forked: rational, transcendental, algebraic, special.
_WARM_UP: Final[tuple[Expr, ...]] = (
    X * exp(X),
    exp(X**2),
    1 / (X**4 + 1),
    X * log(X) ** 2,
    sqrt(X**2 + 1),
    exp(X) * sympy.sin(X),
    exp(X) / X,
    X * sympy.atan(X),
)
CALLS_PER_CACHE: Final = 200  # the cache is emptied so often, so that memory stays flat


class SymPyEngine(Engine):
    """`sympy.integrate(integrand, x)`. It cannot stop itself; the pool kills it at the limit."""

    name: ClassVar[str] = "sympy"

    def __init__(self) -> None:
        self._calls = 0

    @classmethod
    def prepare(cls) -> None:
        """Fill SymPy's caches; everything that is forked from this process shares them."""
        for integrand in _WARM_UP:
            sympy.integrate(integrand, X)

    @property
    def version(self) -> str:
        """As `sympy 1.14.0`."""
        return f"sympy {sympy.__version__}"

    def integrate(self, integrand: Expr, *, limit_seconds: float) -> Answer:
        """SymPy's answer, whatever time it takes."""
        self._calls += 1
        if self._calls % CALLS_PER_CACHE == 0:
            clear_cache()
        seed(0)  # SymPy tests some identities at random points
        start = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = sympy.integrate(integrand, X)
            status, reason, text = _judge(found)
        except MemoryError:
            raise
        except Exception as error:  # SymPy raises whatever it stumbles over
            status, reason, text = Status.ERROR, f"{type(error).__name__}: {error}"[:200], None
        return Answer(
            engine=self.name,
            engine_version=self.version,
            status=status,
            reason=" ".join(reason.split()),
            seconds=time.monotonic() - start,
            antiderivative=text,
        )


def _judge(found: Expr) -> tuple[Status, str, str | None]:
    """Status, reason and the antiderivative's text."""
    if found.has(nan, zoo, oo, -oo, AccumBounds):
        return Status.ERROR, f"the answer is not finite: {str(found)[:80]}", None
    if found.has(NonElementaryIntegral):
        return Status.UNEVALUATED, "SymPy's Risch procedure says it is not elementary, which is no proof", None
    if found.has(Integral):
        return Status.UNEVALUATED, "SymPy's heuristics end without a result, which proves nothing", None
    try:
        return Status.SOLVED, "an antiderivative", to_text(found)
    except ExpressionError as error:
        return Status.UNVERIFIED, f"an answer that cannot be written down here: {error}", None
