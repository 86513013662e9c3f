"""Probes: questions whose right answers follow from mathematics, so that a shortcut shows.

*Invariance*: rewritings that cannot change whether there is an elementary antiderivative (c*f, f(a*x + b), f plus a
polynomial, other forms of f) must not change the answer (after Welleck et al. 2022, "Symbolic brittleness in sequence
models", who did this to a seq2seq integrator). *Minimal pairs*: two functions that look alike, of which one alone has
such an antiderivative; who looks at length or at the functions that occur is right on one of the two at most.
"""

from __future__ import annotations

from intclass.components.evaluate.probes.invariance import Change, Invariance, InvarianceProbe
from intclass.components.evaluate.probes.pairs import MinimalPair, PairAnswer, PairProbe, PairResult, load_pairs
from intclass.components.evaluate.probes.rewritings import REWRITINGS, Rewriting

__all__ = [
    "REWRITINGS",
    "Change",
    "Invariance",
    "InvarianceProbe",
    "MinimalPair",
    "PairAnswer",
    "PairProbe",
    "PairResult",
    "Rewriting",
    "load_pairs",
]
