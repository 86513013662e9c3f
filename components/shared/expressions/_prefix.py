"""Prefix words: the tree in Polish notation, binarised to the right, over a small closed vocabulary.

After Lample and Charton (2020), "Deep learning for symbolic mathematics", section 2.1, with four changes that make
sequences shorter: an integer of one digit is one word, subtraction and division have words of their own and occur at
most once in a sum or product, and so do square roots and reciprocals.

    add sub mul div pow     two arguments; pow is base and exponent
    neg inv sqrt            one argument: minus, one over, square root
    exp log sin ... acsch   one argument: the 26 elementary functions under SymPy's names
    x pi E                  leaves
    0 ... 9                 a digit alone is that integer; a longer one stands between `int` and `end`

Negative numbers are `neg`, rationals `div` or `inv`. Chains of one operator lean to the right, and positive terms stand
before negative ones, numerators before denominators:

    x**2*exp(x) - 3*x + 12     sub add int 1 2 end mul pow x 2 exp x mul 3 x
    -1/(2*x**(3/2))            neg inv mul 2 pow x div 3 2
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from sympy import Expr

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions._build import build
from intclass.components.shared.expressions._decompose import decompose
from intclass.components.shared.expressions._limits import (
    TRUSTED_LIMITS,
    Limits,
    too_deep,
    too_long,
    too_many_digits,
    unreadable,
)
from intclass.components.shared.expressions._names import CONSTANTS, ELEMENTARY
from intclass.components.shared.expressions._tree import Node, factors, integer, summands

BINARY_WORDS: Final = ("add", "sub", "mul", "div", "pow")
UNARY_WORDS: Final = ("neg", "inv", "sqrt", *ELEMENTARY)
LEAF_WORDS: Final = ("x", *CONSTANTS)
DIGIT_WORDS: Final = tuple("0123456789")  # one alone is that integer
BEGIN_INTEGER: Final = "int"  # before the digits of an integer of two digits or more
END_INTEGER: Final = "end"

PREFIX_VOCABULARY: Final[tuple[str, ...]] = (
    *BINARY_WORDS,
    *UNARY_WORDS,
    *LEAF_WORDS,
    *DIGIT_WORDS,
    BEGIN_INTEGER,
    END_INTEGER,
)

_LONG_INTEGER: Final = re.compile(f"{BEGIN_INTEGER} [0-9 ]+ {END_INTEGER}")

# How many arguments follow a word that is no part of an integer.
PREFIX_ARITY: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(BINARY_WORDS, 2) | dict.fromkeys(UNARY_WORDS, 1) | dict.fromkeys(LEAF_WORDS, 0)
)


def prefix_words(expr: Expr) -> list[str]:
    """The expression as words of PREFIX_VOCABULARY, arguments in SymPy's order.

    A negative integer n is `neg` and -n, a rational `div` of two integers. Take `canonical` first where equal
    expressions must give equal words. Raises ExpressionError for what is not elementary.
    """
    words: list[str] = []
    _write(decompose(expr), words)
    return words


def from_prefix(words: Sequence[str], *, limits: Limits = TRUSTED_LIMITS) -> Expr:
    """The expression of prefix words: `from_prefix(prefix_words(e)) == e` for a canonical e.

    Raises ExpressionError, with the index of the word as its position, for words that are no expression.
    """
    if len(words) > limits.length:
        raise too_long("the sequence", f"{len(words)} words long", limits)
    return build(_read(words, limits), limits)


def count_nodes(prefix: str) -> int:
    """The nodes of the tree that prefix words, joined by spaces, stand for; an integer of any length is one node."""
    return len(_LONG_INTEGER.sub("0", prefix).split())


def _write(node: Node, words: list[str]) -> None:
    head = node.head
    if head == "int":
        digits = str(node.number)
        words.extend(digits if len(digits) == 1 else (BEGIN_INTEGER, *digits, END_INTEGER))
    elif head == "neg":
        words.append("neg")
        _write(node.args[0], words)
    elif head == "add":
        _write_sum(node, words)
    elif head in ("mul", "inv"):
        parts = factors(node)[0]
        _write_group(
            "mul", [part for part, divides in parts if not divides], [part for part, divides in parts if divides], words
        )
    elif head not in PREFIX_ARITY:
        raise ExpressionError(f"{head} is not elementary: it has no prefix word")
    else:
        words.append(head)
        for argument in node.args:
            _write(argument, words)


def _write_sum(node: Node, words: list[str]) -> None:
    terms = summands(node)
    positive = [term for term, sign in terms if sign > 0]
    negative = [term for term, sign in terms if sign < 0]
    if not positive:  # -(a + b) would read as a minus sign before the sum; SymPy keeps it inside
        positive = [Node("neg", (negative.pop(0),))]
    _write_group("add", positive, negative, words)


def _write_group(word: str, direct: list[Node], inverted: list[Node], words: list[str]) -> None:
    """A sum or product as one difference or quotient of chains."""
    if inverted:
        binary, unary = ("sub", "neg") if word == "add" else ("div", "inv")
        words.append(binary if direct else unary)
    for group in (direct, inverted):
        for number, member in enumerate(group, start=1):
            if number < len(group):
                words.append(word)
            _write(member, words)


def _read(words: Sequence[str], limits: Limits) -> Node:
    """Read from the right: a word takes its arguments off the stack, as in reverse Polish notation."""
    stack: list[tuple[Node, int]] = []
    index = len(words)
    while index:
        index -= 1
        word = words[index]
        if word == END_INTEGER:
            index, node = _read_integer(words, index, limits)
            stack.append((node, 1))
        elif word in DIGIT_WORDS:
            stack.append((integer(int(word), index), 1))
        else:
            stack.append(_applied(word, index, stack, limits))
    if len(stack) != 1:
        raise unreadable("no words to read" if not stack else f"{len(stack)} expressions instead of one")
    return stack[0][0]


def _applied(word: str, index: int, stack: list[tuple[Node, int]], limits: Limits) -> tuple[Node, int]:
    arity = PREFIX_ARITY.get(word)
    if arity is None:
        raise unreadable(f"unknown word {word[:20]!r}", index)
    if len(stack) < arity:
        raise unreadable(f"{word!r} lacks an argument", index)
    arguments = tuple([stack.pop() for _ in range(arity)])
    nodes = tuple([node for node, _ in arguments])
    head = {"sub": "add", "div": "mul"}.get(word, word)
    # A chain of sums or products is one level: it is built at once.
    depth = max((below + (node.head != head or head not in ("add", "mul")) for node, below in arguments), default=1)
    if depth > limits.depth:
        raise too_deep(limits, index)
    if head != word:
        nodes = (nodes[0], Node("neg" if word == "sub" else "inv", nodes[1:], place=index))
    return Node(head, nodes, place=index), depth


def _read_integer(words: Sequence[str], end: int, limits: Limits) -> tuple[int, Node]:
    start = end - 1
    while start >= 0 and words[start] in DIGIT_WORDS:
        start -= 1
    digits = "".join(words[start + 1 : end])
    if start < 0 or words[start] != BEGIN_INTEGER or not digits:
        raise unreadable(f"{END_INTEGER!r} without {BEGIN_INTEGER!r} and digits before it", end)
    if len(digits) > limits.digits:
        raise too_many_digits(len(digits), limits, start)
    return start, integer(int(digits), start)
