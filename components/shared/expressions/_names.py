"""The closed list of names: what may be written, and which SymPy class it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import sympy
from sympy import E, Symbol, pi

X: Final = Symbol("x")  # plain: no assumptions, so nothing is simplified that holds for real x alone

CONSTANTS: Final[Mapping[str, Any]] = MappingProxyType({"pi": pi, "E": E})

# The elementary functions of one argument that SymPy knows, under SymPy's names. Both grammars draw from these;
# the reciprocals (cot, sec, ...) come in because SymPy turns tan(x + pi/2) into -cot(x).
ELEMENTARY: Final[Mapping[str, Any]] = MappingProxyType(
    {
        name: getattr(sympy, name)
        for name in [
            "exp",
            "log",
            "sin",
            "cos",
            "tan",
            "cot",
            "sec",
            "csc",
            "asin",
            "acos",
            "atan",
            "acot",
            "asec",
            "acsc",
            "sinh",
            "cosh",
            "tanh",
            "coth",
            "sech",
            "csch",
            "asinh",
            "acosh",
            "atanh",
            "acoth",
            "asech",
            "acsch",
        ]
    }
)

SQRT: Final = "sqrt"
CBRT: Final = "cbrt"


def _aliases() -> dict[str, str]:
    names = {name: name for name in (*ELEMENTARY, SQRT, CBRT, "x", *CONSTANTS)}
    names |= {"ln": "log", "e": "E", "cosec": "csc"}
    for name in ELEMENTARY:
        if not name.startswith("a"):
            continue
        names["arc" + name[1:]] = name  # arctan, arcsinh
        if name.endswith("h"):
            names["ar" + name[1:]] = name  # arsinh
    return names


# Every spelling that a user may write, and the name it stands for.
SPELLINGS: Final[Mapping[str, str]] = MappingProxyType(_aliases())

FUNCTION_NAMES: Final = frozenset((*ELEMENTARY, SQRT, CBRT))

# Names with a meaning elsewhere, and why they are refused here.
REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("I", "i", "j"), "expressions are real: the imaginary unit is refused"),
        **dict.fromkeys(("oo", "zoo", "nan", "inf", "infinity"), "infinities and undefined values are refused"),
        **dict.fromkeys(
            ("abs", "Abs", "sign", "floor", "ceiling"), "it is not an elementary function in the sense of Liouville"
        ),
    }
)
