"""SymPy's expressions as FriCAS input, and FriCAS' answers as text in SymPy's notation.

FriCAS is asked for its answers as InputForm, printed by Lisp: prefix lists such as `(/ (log (+ x 1)) 2)`, on one line
whatever their length, where nothing can be read in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias

from sympy import E, Expr, I, pi

from intclass.components.shared.expressions import X

# Elementary functions have the same names in both.
_ELEMENTARY: Final = (
    *("exp", "log", "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "acot", "asec", "acsc"),
    *("sinh", "cosh", "tanh", "coth", "sech", "csch", "asinh", "acosh", "atanh", "acoth", "asech", "acsch"),
)
_TO_FRICAS: Final = {name: f"{name}({{0}})" for name in _ELEMENTARY} | {
    "Abs": "abs({0})",
    "sign": "sign({0})",
    # Written out as SymPy defines them; FriCAS' own are equal to these between some branch cuts only.
    "asec": "acos(1/({0}))",
    "acsc": "asin(1/({0}))",
    "acosh": "log({0}+sqrt({0}-1)*sqrt({0}+1))",
    "atanh": "((log(1+{0})-log(1-{0}))/2)",
    "acoth": "((log(1+1/({0}))-log(1-1/({0})))/2)",
    "asech": "log(1/({0})+sqrt(1/({0})-1)*sqrt(1/({0})+1))",
}
_CONSTANTS: Final = {X: "x", pi: "%pi", E: "exp(1)", I: "sqrt(-1)"}

_SUM, _PRODUCT, _POWER, _ATOM = range(4)  # how tightly a piece of text holds together
LOG_SUM: Final = "logSum"  # logSum(p, f): our name for the sum of t*log(f) over the roots t of the polynomial p
ROOT: Final = "t"
_SYMBOLS: Final = {"x": "x", "pi": "pi", ROOT: "_t"}

# SymPy's text for FriCAS' functions, by name and number of arguments. FriCAS' dilog(x) is the integral from 1 to x of
# log(t)/(1 - t); its elliptic integrals are Jacobi's, SymPy's are Legendre's.
_FROM_FRICAS: Final = {(name, 1): f"{name}({{0}})" for name in _ELEMENTARY} | {
    ("abs", 1): "Abs({0})",
    ("sign", 1): "sign({0})",
    ("pi", 0): "pi",
    ("erf", 1): "erf({0})",
    ("erfi", 1): "erfi({0})",
    ("Ei", 1): "Ei({0})",
    ("li", 1): "li({0})",
    ("Si", 1): "Si({0})",
    ("Ci", 1): "Ci({0})",
    ("Shi", 1): "Shi({0})",
    ("Chi", 1): "Chi({0})",
    ("fresnelS", 1): "fresnels({0})",
    ("fresnelC", 1): "fresnelc({0})",
    ("dilog", 1): "polylog(2, 1 - ({0}))",
    ("polylog", 2): "polylog({0}, {1})",
    ("Gamma", 1): "gamma({0})",
    ("Gamma", 2): "uppergamma({0}, {1})",
    ("lambertW", 1): "LambertW({0})",
    ("ellipticK", 1): "elliptic_k({0})",
    ("ellipticE", 1): "elliptic_e({0})",
    ("ellipticE", 2): "elliptic_e(asin({0}), {1})",
    ("ellipticF", 2): "elliptic_f(asin({0}), {1})",
    (LOG_SUM, 2): "RootSum({0}, Lambda(_t, _t*log({1})))",
    ("ellipticPi", 3): "elliptic_pi({1}, asin({0}), {2})",
}

# Functions of FriCAS' answers for which SymPy has no name, and what FriCAS calls the incomplete Gamma internally.
_NAMELESS: Final = re.compile(r"weierstrass|jacobi|hypergeometric|meijer|lommel|kummer|whittaker|lerch|%iint|Gamma2")

_TOKEN: Final = re.compile(r"[()]|[^\s()]+")
_INTEGER: Final = re.compile(r"-?[0-9]+")


class UnprintableError(ValueError):
    """An expression holds something that FriCAS has no name for; the message is SymPy's."""


class UnreadableError(ValueError):
    """An answer holds something that SymPy has no name for; the message is FriCAS'."""


def to_fricas(expr: Expr) -> str:
    """The expression in FriCAS' language; raises UnprintableError."""
    constant = _CONSTANTS.get(expr)
    if constant is not None:
        return constant
    if expr.is_Rational:
        return str(expr) if expr.is_Integer and expr.is_nonnegative else f"({expr})"
    if expr.is_Add:
        return f"({'+'.join(map(to_fricas, expr.args))})"
    if expr.is_Mul:
        return f"({'*'.join(map(to_fricas, expr.args))})"
    if expr.is_Pow:
        base, exponent = map(to_fricas, expr.args)
        return f"exp({exponent})" if expr.base is E else f"({base}^{exponent})"
    name = type(expr).__name__
    if len(expr.args) != 1 or name not in _TO_FRICAS:
        raise UnprintableError(name if expr.args else str(expr))
    return _TO_FRICAS[name].format(to_fricas(expr.args[0]))


def from_fricas(text: str) -> str:
    """The text, in SymPy's notation, of an InputForm list; raises UnreadableError."""
    open_lists: list[list[_Item]] = [[]]
    for word in _TOKEN.findall(text):
        if word == "(":
            open_lists.append([])
        elif word == ")" and len(open_lists) > 1:
            open_lists[-2].append(_apply(open_lists.pop()))
        else:
            open_lists[-1].append(word)
    [items] = open_lists if len(open_lists) == 1 else [[]]
    if len(items) != 1:
        raise UnreadableError(text[:80])
    return _piece(items[0]).text


def special_functions(names: Iterable[str]) -> frozenset[str]:
    """Those of FriCAS' functions that are known and not elementary."""
    known = {name for name, _ in _FROM_FRICAS} - {*_ELEMENTARY, "abs", "sign", "pi", LOG_SUM}
    return frozenset(name for name in names if name in known or _NAMELESS.match(name))


class _Piece(NamedTuple):
    """A piece of SymPy's notation."""

    text: str
    level: int

    def within(self, level: int) -> str:
        """The text to stand where something at least so tight is expected."""
        return self.text if self.level >= level else f"({self.text})"


_Item: TypeAlias = _Piece | str


def _piece(item: _Item) -> _Piece:
    if isinstance(item, _Piece):
        return item
    if _INTEGER.fullmatch(item):
        return _Piece(item, _PRODUCT if item.startswith("-") else _ATOM)
    if item not in _SYMBOLS:
        raise UnreadableError(item)
    return _Piece(_SYMBOLS[item], _ATOM)


def _apply(items: Sequence[_Item]) -> _Piece:
    if not items or not isinstance(items[0], str):
        raise UnreadableError("a list without a name")
    name, args = items[0], [_piece(item) for item in items[1:]]
    if name == "+":
        return _Piece(" + ".join(arg.text for arg in args).replace("+ -", "- "), _SUM)
    if name == "*":
        return _product(args)
    if name == "/" and len(args) == 2:
        return _Piece(f"{args[0].within(_PRODUCT)}/{args[1].within(_POWER)}", _PRODUCT)
    if name == "^" and len(args) == 2:
        return _power(*args)
    template = _FROM_FRICAS.get((name, len(args)))
    if template is None:
        raise UnreadableError(name)
    return _Piece(template.format(*(arg.text for arg in args)), _ATOM)


def _product(args: Sequence[_Piece]) -> _Piece:
    first, rest = args[0].within(_PRODUCT), [arg.within(_POWER) for arg in args[1:]]
    if first == "-1":
        return _Piece("-" + "*".join(rest), _PRODUCT)
    return _Piece("*".join([first, *rest]), _PRODUCT)


def _power(base: _Piece, exponent: _Piece) -> _Piece:
    if exponent.text == "1/2":
        if base.text == "-1":
            return _Piece("I", _ATOM)
        return _Piece(f"sqrt({base.text})", _ATOM)
    return _Piece(f"{base.within(_ATOM)}**{exponent.within(_ATOM)}", _POWER)
