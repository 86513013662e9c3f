"""A function made on purpose, most often one whose label is known because of how it was made."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr

from intclass.components.generate._constants import Junk, RefusedError
from intclass.components.shared.records import Label
from intclass.components.shared.theorems import prove_nonelementary


@dataclass(frozen=True, kw_only=True)
class Construction:
    """An integrand with its label and why it is known, if it is, and the antiderivative if it is elementary."""

    integrand: Expr
    label: Label | None = None
    certificate: str | None = None
    antiderivative: Expr | None = None


def solved(integrand: Expr, antiderivative: Expr, certificate: str) -> Construction:
    """An elementary one; the caller vouches for the antiderivative."""
    return Construction(integrand=integrand, label="elementary", certificate=certificate, antiderivative=antiderivative)


def undecided(integrand: Expr) -> Construction:
    """One whose class is to be found out."""
    return Construction(integrand=integrand)


def proven(integrand: Expr) -> Construction:
    """One that a theorem denies an elementary antiderivative; raises RefusedError if none does."""
    proof = prove_nonelementary(integrand)
    if proof is None:
        raise RefusedError(Junk.OPEN)
    return Construction(integrand=integrand, label="nonelementary", certificate=str(proof))
