"""The light pass over the text before Python's parser sees it.

It admits only known characters and names, counts brackets, writes `^` as `**` and puts in the `*` that people leave
out. What comes out is made of whitelisted pieces alone, together with where each of its characters came from.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Final, NamedTuple

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions._limits import (
    Limits,
    too_deep,
    too_large,
    too_long,
    too_many_digits,
    unreadable,
)
from intclass.components.shared.expressions._names import FUNCTION_NAMES, REFUSED, SPELLINGS

_TOKEN: Final = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<operator>\*\*|[<>]=|\S)|\s+"
)
_SCIENTIFIC: Final = re.compile(r"[eE][+-]?[0-9]")
_OPERATORS: Final = frozenset("+-*/^(),") | {"**"}
_RELATIONS: Final = frozenset({"<", ">", "<=", ">=", "&", "|", "~"})
_AFTER_OPERAND: Final = frozenset({"*", "/", "^", "**", ",", ")", "<", ">", "<=", ">=", "&", "|"})
_SHOWN: Final = 20  # characters of the text that an error quotes


class Token(NamedTuple):
    """A piece of the text: `kind` is number, name, function or operator."""

    kind: str
    text: str
    start: int
    end: int


class Source(NamedTuple):
    """An expression in Python's spelling; `places[i]` is where its character i stood in the text as given."""

    python: str
    places: list[int]
    text: str

    def place(self, offset: int) -> int:
        """Where the character at that offset came from; the text's end for an offset behind the last one."""
        return self.places[offset] if 0 <= offset < len(self.places) else len(self.text)


def quoted(text: str, start: int = 0) -> str:
    """A short quotation that stays on one line."""
    piece = text[start : start + _SHOWN]
    return repr(piece) + ("..." if len(text) > start + _SHOWN else "")


def to_python(text: str, limits: Limits) -> Source:
    """Ordinary notation in Python's spelling. Raises ExpressionError for anything else, with its place.

    Multiplication signs may be left out between a number, a name or `)` and a name or `(`, except where a reader could
    group it in two ways: after a division (`1/2x`) and behind an exponent's number (`x^2y`).
    """
    return _write(text, _tokens(text, limits, _known_name), limits, implicit=True)


def to_python_trusted(text: str, limits: Limits, known: Callable[[str, int], tuple[str, str]]) -> Source:
    """The same for an engine's answer: relations are admitted, left-out multiplication signs are not.

    `known(name, position)` gives a name's kind, `name` or `function`, and its usual spelling; it raises ExpressionError
    for one that is refused.
    """
    return _write(text, _tokens(text, limits, known, _OPERATORS | _RELATIONS), limits, implicit=False)


def _known_name(name: str, start: int) -> tuple[str, str]:
    known = SPELLINGS.get(name)
    if known is not None:
        return ("function" if known in FUNCTION_NAMES else "name"), known
    if name in REFUSED:
        raise unreadable(f"{name!r} cannot be used: {REFUSED[name]}", start)
    if len(name) == 1:
        raise unreadable(f"unknown variable {name!r}: the variable is x, so rename it", start)
    close = get_close_matches(name[:_SHOWN], SPELLINGS, n=1) if len(name) <= _SHOWN else []
    hint = f"; did you mean {close[0]!r}?" if close else "; the variable is x, and products of names need a *"
    raise unreadable(f"unknown name {quoted(name)}{hint}", start)


def _tokens(
    text: str,
    limits: Limits,
    known: Callable[[str, int], tuple[str, str]],
    operators: frozenset[str] = _OPERATORS,
) -> list[Token]:
    if len(text) > limits.length:
        raise too_long("the text", f"{len(text)} characters long", limits)
    tokens = []
    operands = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind is None:
            continue
        piece, start = match[0], match.start()
        if kind == "name":
            kind, piece = known(piece, start)
        elif kind == "number":
            piece = _number(text, match, limits)
        elif piece not in operators:
            raise unreadable(f"{_described(piece)} is not part of an expression", start)
        operands += kind != "operator"
        if operands > limits.nodes:
            raise too_large(limits, start)
        tokens.append(Token(kind, piece, start, match.end()))
    if not tokens:
        raise unreadable("the expression is empty; write for example x*exp(x^2)")
    return tokens


def _described(character: str) -> str:
    return repr(character) if character.isascii() and character.isprintable() else f"U+{ord(character[0]):04X}"


def _number(text: str, match: re.Match[str], limits: Limits) -> str:
    """An integer without leading zeros, or a decimal as the exact quotient that it stands for."""
    piece, start = match[0], match.start()
    if len(piece) > limits.digits:
        raise too_many_digits(len(piece), limits, start)
    if _SCIENTIFIC.match(text, match.end()):
        raise unreadable(f"{quoted(text, start)} can be read in two ways; write 2*10^3 or 2*e", start)
    whole, _, decimals = piece.partition(".")
    numerator = str(int((whole + decimals) or "0"))
    return f"({numerator}/1{'0' * len(decimals)})" if decimals else numerator


def _write(text: str, tokens: list[Token], limits: Limits, *, implicit: bool) -> Source:
    pieces: list[str] = []
    places: list[int] = []
    brackets = _Brackets(limits)
    previous = None
    for token in tokens:
        if previous is not None and previous.kind == "function" and token.text != "(":
            raise _without_argument(previous, token)
        if token.text in _AFTER_OPERAND and (previous is None or not _ends_operand(previous)):
            _check_operand(previous, token, tuples=not implicit)
        if previous is not None and _side_by_side(previous, token):
            _check_product(text, previous, token, implicit=implicit, divisor=brackets.divides)
            pieces.append("*")
            places.append(token.start)
        brackets.step(token, signs=previous is None or not _ends_operand(previous))
        piece = "**" if token.text == "^" else token.text
        pieces.append(piece)
        places.extend([token.start] * len(piece))
        previous = token
    brackets.close()
    last = tokens[-1]
    if last.kind == "function":
        raise _without_argument(last, None)
    if last.kind == "operator" and last.text != ")":
        raise unreadable(f"the expression ends behind {last.text!r}", last.start)
    return Source("".join(pieces), places, text)


class _Brackets:
    """Open brackets, and in each whether the operand at hand stands behind a division sign."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: list[int] = []
        self._divides = [False]

    @property
    def divides(self) -> bool:
        """Whether the operand at hand is a divisor."""
        return self._divides[-1]

    def step(self, token: Token, *, signs: bool) -> None:
        """Take the next token; `signs` where a plus or minus would be a sign."""
        if token.text == "(":
            self._open.append(token.start)
            self._divides.append(False)
            if len(self._open) > self._limits.depth:
                raise too_deep(self._limits, token.start)
        elif token.text == ")":
            if not self._open:
                raise unreadable("')' has no '('", token.start)
            self._open.pop()
            self._divides.pop()
        elif token.text == "/":
            self._divides[-1] = True
        elif token.text in ("*", ",") or (token.text in ("+", "-") and not signs):
            self._divides[-1] = False

    def close(self) -> None:
        """Raises ExpressionError if a bracket is still open."""
        if self._open:
            raise unreadable("'(' is never closed", self._open[-1])


def _check_operand(previous: Token | None, token: Token, *, tuples: bool) -> None:
    """An operator or `)` without an operand before it; `f()` and, in an answer, `(a,)` are for the reader to judge."""
    before = previous.text if previous else ""
    if token.text == ")" and (before == "(" or (before == "," and tuples)):
        return
    raise unreadable(f"an operand is missing before {token.text!r}", token.start)


def _side_by_side(previous: Token, token: Token) -> bool:
    return _ends_operand(previous) and (token.kind != "operator" or token.text == "(")


def _ends_operand(token: Token) -> bool:
    return token.kind in ("number", "name") or token.text == ")"


def _check_product(text: str, previous: Token, token: Token, *, implicit: bool, divisor: bool) -> None:
    if not implicit and previous.kind == "name" and token.text == "(":
        raise unreadable(f"unknown function {quoted(previous.text)}", previous.start)
    if not implicit or token.kind == "number":
        raise unreadable(f"an operator is missing before {quoted(text, token.start)}", token.start)
    if divisor:
        raise unreadable(
            "a product behind '/' can be read in two ways; write the * and brackets, as in 1/(2*x)", token.start
        )
    glued = previous.kind == "number" and previous.end == token.start
    if glued and token.kind != "operator" and text[: previous.start].rstrip(" +-").endswith(("^", "**")):
        raise unreadable("a product in an exponent can be read in two ways; write x^(2*x) or x^2*x", token.start)


def _without_argument(function: Token, token: Token | None) -> ExpressionError:
    name = function.text
    if token is not None and token.text in ("^", "**"):
        return unreadable(f"write {name}(x)^2 for {name}^2(x)", function.start)
    return unreadable(f"{name} needs its argument in brackets, as in {name}(x)", function.start)
