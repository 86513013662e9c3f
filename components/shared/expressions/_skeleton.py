"""What is left of an expression without its constants, and without all but its shape: keys against leaks."""

from __future__ import annotations

from typing import Any, Final

from sympy import Expr

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions._canonical import canonical, digest
from intclass.components.shared.expressions._decompose import ELEMENTARY_HEADS
from intclass.components.shared.expressions._names import X

CONSTANT: Final = "C"


def skeleton(expr: Expr) -> str:
    """Prefix words over `add mul pow`, function names, `x` and `C`, joined by spaces.

    Every constant, however large a subtree, is one `C`, and those of one sum or product are one together; arguments of
    sums and products are sorted after that. So 2*x*sin(3*x) and 5*sin(7*x)*x have the same skeleton. Constant
    exponents are masked too, therefore 1/x, x**2 and sqrt(x) agree: as a key that keeps near copies on one side of a
    split this errs on the safe side. The idea of masking is Barket, England and Gerhard's (2023, arXiv 2306.15572).
    """
    return _masked(canonical(expr))


def skeleton_hash(expr: Expr) -> str:
    """16 hexadecimal digits of the SHA-256 of the skeleton."""
    return digest(skeleton(expr))


def structure_hash(expr: Expr) -> str:
    """16 hexadecimal digits for the shape of the canonical tree alone: no operators, no leaves, children unordered."""
    return digest(_shape(canonical(expr)))


def _masked(expr: Any) -> str:  # noqa: ANN401 - SymPy is untyped
    if expr == X:
        return "x"
    if expr.is_Add or expr.is_Mul:
        return _masked_chain("add" if expr.is_Add else "mul", [_masked(argument) for argument in expr.args])
    arguments = [_masked(argument) for argument in expr.args]
    if all(argument == CONSTANT for argument in arguments):
        return CONSTANT
    name = "pow" if expr.is_Pow else ELEMENTARY_HEADS.get(expr.func)
    if name is None:
        raise ExpressionError(f"{expr.func.__name__} is not part of an elementary expression in x")
    return " ".join((name, *arguments))


def _masked_chain(word: str, arguments: list[str]) -> str:
    varying = sorted(argument for argument in arguments if argument != CONSTANT)
    members = [CONSTANT, *varying] if len(varying) < len(arguments) else varying
    return " ".join([*(f"{word} {member}" for member in members[:-1]), members[-1]])


def _shape(expr: Any) -> str:  # noqa: ANN401
    return f"({''.join(sorted(_shape(argument) for argument in expr.args))})"
