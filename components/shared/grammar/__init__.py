"""Grammars: which operators, leaves and integers a random function is made of, as data."""

from intclass.components.shared.grammar._grammar import (
    BINARY_OPERATORS,
    UNARY_OPERATORS,
    GeometricIntegers,
    Grammar,
    UniformIntegers,
)
from intclass.components.shared.grammar._reading import BUILT_IN, load, parse_grammar

__all__ = [
    "BINARY_OPERATORS",
    "BUILT_IN",
    "UNARY_OPERATORS",
    "GeometricIntegers",
    "Grammar",
    "UniformIntegers",
    "load",
    "parse_grammar",
]
