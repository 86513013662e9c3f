"""What a grammar is: weighted operators, the share of x among the leaves, and a law of integers."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from intclass.components.shared.errors import GrammarError

UNARY_OPERATORS: Final = (
    *("exp", "log", "sqrt", "neg", "inv", "pow2", "pow3", "pow4", "pow5"),
    *("sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
)
BINARY_OPERATORS: Final = ("add", "sub", "mul", "div", "pow")
LEAVES: Final = ("x", "integer")

# The name becomes a part of every sample's id and of file names.
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
MAX_INTEGER: Final = 1000


@dataclass(frozen=True)
class UniformIntegers:
    """Every integer from `low` to `high`, both included, is equally likely."""

    low: int
    high: int

    def __post_init__(self) -> None:
        for value in (self.low, self.high):
            if type(value) is not int or abs(value) > MAX_INTEGER:
                raise GrammarError(
                    f"integers: uniform: {value!r} is not an integer from {-MAX_INTEGER} to {MAX_INTEGER}"
                )
        if self.low > self.high:
            raise GrammarError(f"integers: uniform: {self.low} is above {self.high}; write [low, high]")

    def as_data(self) -> dict[str, list[int]]:
        """The law as it stands in a grammar file."""
        return {"uniform": [self.low, self.high]}


@dataclass(frozen=True)
class GeometricIntegers:
    """1, 2, 3, ... with probability p, p (1 - p), p (1 - p)^2, ..."""

    p: float

    def __post_init__(self) -> None:
        if not _is_number(self.p) or not 0.1 <= self.p <= 1:
            raise GrammarError(f"integers: geometric: {self.p!r} is not a probability from 0.1 to 1")

    def as_data(self) -> dict[str, float]:
        """The law as it stands in a grammar file."""
        return {"geometric": self.p}


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """What random functions are made of. Weights are relative: unary and binary operators are drawn apart.

    A tree's shape is drawn first, uniformly; then each node with one child gets a unary operator, each node with two
    a binary one, and each leaf is x or an integer (Lample and Charton 2020, appendix C). Raises GrammarError, naming
    the operator and what is allowed, if it cannot be drawn from.
    """

    name: str
    unary: Mapping[str, float] = field(default_factory=dict)
    binary: Mapping[str, float] = field(default_factory=dict)
    leaves: Mapping[str, float]
    integers: UniformIntegers | GeometricIntegers

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise GrammarError(f"name: {self.name!r} is not a name: lower-case letters and digits, joined by hyphens")
        _check_weights("unary", self.unary, UNARY_OPERATORS)
        _check_weights("binary", self.binary, BINARY_OPERATORS)
        _check_weights("leaves", self.leaves, LEAVES)
        if not self.unary and not self.binary:
            raise GrammarError("a grammar needs at least one operator under 'unary' or 'binary'")
        if "x" not in self.leaves:
            raise GrammarError("leaves: 'x' is missing: without it every function is constant")

    @property
    def fingerprint(self) -> str:
        """16 hex digits over the grammar's file form."""
        return hashlib.sha256(self.to_yaml().encode()).hexdigest()[:16]

    def to_yaml(self) -> str:
        """The grammar as a file that `load` reads back to an equal grammar."""
        data: dict[str, Any] = {
            "name": self.name,
            "unary": dict(self.unary),
            "binary": dict(self.binary),
            "leaves": dict(self.leaves),
            "integers": self.integers.as_data(),
        }
        return yaml.safe_dump(data, sort_keys=False, default_flow_style=None)


def _check_weights(section: str, weights: Mapping[str, float], allowed: tuple[str, ...]) -> None:
    for name, weight in weights.items():
        if name not in allowed:
            raise GrammarError(f"{section}: no such name {name!r}; there are {', '.join(allowed)}")
        if not _is_number(weight) or not 0 < weight < math.inf:
            raise GrammarError(f"{section}: {name}: the weight {weight!r} is not a finite number above 0")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
