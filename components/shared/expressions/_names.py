"""The closed lists of names: what may be written, and which SymPy class it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import sympy
from sympy import E, I, Symbol, oo, pi

X: Final = Symbol("x")  # plain: no assumptions, so nothing is simplified that holds for real x alone

CONSTANTS: Final[Mapping[str, Any]] = MappingProxyType({"pi": pi, "E": E})


def _classes(names: str) -> Mapping[str, Any]:
    return MappingProxyType({name: getattr(sympy, name) for name in names.split()})


# The elementary functions of one argument that SymPy knows, under SymPy's names. Both grammars draw from these;
# the reciprocals (cot, sec, ...) come in because SymPy turns tan(x + pi/2) into -cot(x).
ELEMENTARY: Final = _classes(
    "exp log sin cos tan cot sec csc asin acos atan acot asec acsc "
    "sinh cosh tanh coth sech csch asinh acosh atanh acoth asech acsch"
)
SQRT: Final = "sqrt"
CBRT: Final = "cbrt"
FUNCTION_NAMES: Final = frozenset((*ELEMENTARY, SQRT, CBRT))


def _spellings() -> Mapping[str, str]:
    names = {name: name for name in (*FUNCTION_NAMES, "x", *CONSTANTS)}
    names |= {"ln": "log", "e": "E", "cosec": "csc"}
    for name in ELEMENTARY:
        if name.startswith("a"):
            names["arc" + name[1:]] = name  # arctan, arcsinh
            if name.endswith("h"):
                names["ar" + name[1:]] = name  # arsinh
    return MappingProxyType(names)


# Every spelling that a user may write, and the name it stands for.
SPELLINGS: Final = _spellings()

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

# What may stand in an engine's answer besides: functions of any number of arguments, under SymPy's names.
SPECIAL: Final = _classes(
    "erf erfc erfi erf2 erfinv erfcinv Ei E1 expint li Li Si Ci Shi Chi fresnels fresnelc "
    "gamma loggamma uppergamma lowergamma digamma polygamma beta zeta lerchphi polylog LambertW "
    "elliptic_f elliptic_e elliptic_k elliptic_pi hyper meijerg "
    "besselj bessely besseli besselk airyai airybi airyaiprime airybiprime "
    "Abs sign floor ceiling re im arg conjugate atan2 sinc Heaviside Max Min exp_polar polar_lift"
)
SPECIAL_CONSTANTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "I": I,
        "oo": oo,
        "EulerGamma": sympy.EulerGamma,
        "Catalan": sympy.Catalan,
        "True": sympy.true,
        "False": sympy.false,
    }
)

# Functions that SymPy writes out at whole numbers, at a cost that grows with the number: gamma(10**9) is a factorial.
WRITTEN_OUT: Final = frozenset(
    _classes("gamma loggamma uppergamma lowergamma digamma polygamma beta zeta polylog expint besselj besseli bessely")
)

# Relations and connectives in conditions: head of the tree node, SymPy class, and its sign in text.
RELATIONS: Final[Mapping[str, tuple[Any, str]]] = MappingProxyType(
    {"lt": (sympy.Lt, "<"), "le": (sympy.Le, "<="), "gt": (sympy.Gt, ">"), "ge": (sympy.Ge, ">=")}
)
CONNECTIVES: Final[Mapping[str, tuple[Any, str]]] = MappingProxyType({"and": (sympy.And, "&"), "or": (sympy.Or, "|")})

CONDITIONS: Final = _classes("Eq Ne Not")
TRUTH: Final[Mapping[str, Any]] = MappingProxyType({"True": sympy.true, "False": sympy.false})

# Forms that bind a variable, hold tuples, or stand for another function.
FORMS: Final = frozenset({"Piecewise", "RootSum", "Lambda", "CRootOf", "dilog"})

ALL_NAMES: Final = frozenset(
    (*SPELLINGS, *SPECIAL, *SPECIAL_CONSTANTS, *FORMS, *RELATIONS, *CONNECTIVES, *CONDITIONS, *TRUTH)
)
