"""Keeping SymPy's constructors from asking questions that take minutes.

A constructor asks of its arguments whether they are zero, positive, finite and so on. For an expression in a complex x
the answer is nearly always "unknown", but SymPy finds that out by writing the expression as real and imaginary part,
level by level: `sinh(tan(cosh(tan(cot(tan(2/x - cos(x))**2))))**5)` takes it seconds, a longer one minutes. While an
expression is built, the answer "unknown" is put where SymPy remembers answers, and is taken away afterwards. Unknown is
never wrong; it only leaves an automatic simplification undone.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, Literal, Self

from sympy.core.assumptions import StdFactKB, _assume_defined

_REAL: Final = frozenset(
    {"real", "extended_real", "zero", "nonzero", "extended_nonzero", "integer", "noninteger", "rational", "irrational"}
    | {"even", "odd", "prime", "composite", "positive", "negative", "nonpositive", "nonnegative", "extended_positive"}
    | {"extended_negative", "extended_nonpositive", "extended_nonnegative"}
)
_FACTS: Final[dict[tuple[type, bool | None], StdFactKB]] = {}


class _Fixed(StdFactKB):  # type: ignore[misc]  # SymPy is untyped
    """Facts that do not change: they are shared by all expressions of a class, in all threads."""

    def _tell(self, k: str, v: bool | None) -> bool:
        return False


def _facts(kind: Any, real: bool | None) -> StdFactKB:  # noqa: ANN401
    """What holds for every member of the class (a function is commutative), and "unknown" for all else."""
    facts = _FACTS.get((kind, real))
    if facts is None:
        facts = _Fixed()
        facts.update(kind.default_assumptions)
        for fact in _assume_defined:
            facts.setdefault(fact, real if fact in _REAL else None)
        facts["commutative"] = True
        _FACTS[kind, real] = facts
    return facts


class Unasked:
    """Inside `with`, expressions handed to `mark` answer every question with "unknown"."""

    def __init__(self) -> None:
        self._marked: list[Any] = []

    def mark(self, expr: Any, *, real: Literal[False] | None = None) -> None:  # noqa: ANN401
        """Answer for this expression until the end of the block; `real=False` where it is known not to be real.

        Symbols and numbers answer for themselves.
        """
        if expr.args:
            expr._assumptions = _facts(type(expr), real)
            self._marked.append(expr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for expr in self._marked:
            expr._assumptions = type(expr).default_assumptions
