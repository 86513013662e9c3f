"""What the baselines see of a function: numbers read off its prefix words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from intclass.components.evaluate.arrays import Floats
from intclass.components.shared.expressions import PREFIX_ARITY

MAX_DEPTH: Final = 7
INTEGER: Final = "int"  # stands for every integer of two digits or more
_BINARY: Final = frozenset({"add", "sub", "mul", "div", "pow"})
_POWERS: Final[Mapping[tuple[bool, ...], str]] = {  # x in the base, in the exponent
    (True, False): "power",
    (False, True): "exponential",
    (True, True): "tower",
}
LEAVES: Final = frozenset({"x", "pi", "E", INTEGER, *"0123456789"})


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of an expression tree: its prefix word, its depth (0 = root), and whether it lies in an exponent."""

    word: str
    depth: int
    in_exponent: bool


def nodes(prefix: str) -> Iterator[Node]:
    """The nodes of the tree that prefix words spell (`expressions.prefix_words`), in their order."""
    waiting = [(0, False)]  # (depth, in an exponent) of the subtrees still to come, the next one last
    words = iter(prefix.split())
    for word in words:
        depth, in_exponent = waiting.pop()
        yield Node(word=word, depth=depth, in_exponent=in_exponent)
        if word == INTEGER:
            while next(words) != "end":
                pass
        elif word in _BINARY:
            waiting += [(depth + 1, in_exponent or word == "pow"), (depth + 1, in_exponent)]
        elif word not in LEAVES:
            waiting.append((depth + 1, in_exponent or word == "exp"))
    assert not waiting, f"prefix words end too soon: {prefix}"


def lengths(prefixes: Sequence[str]) -> Floats:
    """The number of prefix words, (n, 1)."""
    return np.array([[float(len(prefix.split()))] for prefix in prefixes])


def exponent_rule(prefixes: Sequence[str]) -> Floats:
    """1 where x occurs in an exponent, `exp` included, else 0, (n, 1)."""
    return np.array([[float(any(node.word == "x" and node.in_exponent for node in nodes(each)))] for each in prefixes])


def head_counts(prefixes: Sequence[str]) -> list[Counter[str]]:
    """How often each head occurs at each depth (7 stands for all deeper), and inside exponents.

    Powers are told apart by where x is: in the base (`power`), in the exponent (`exponential`), in both (`tower`).
    """
    return [_head_counts(prefix) for prefix in prefixes]


def _head_counts(prefix: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    found = list(nodes(prefix))
    for node, head in zip(found, _heads(found), strict=True):
        counts[f"{head} at {min(node.depth, MAX_DEPTH)}"] += 1
        if node.in_exponent:
            counts[f"{head} in exponent"] += 1
    return counts


def _heads(found: Sequence[Node]) -> list[str]:
    """The words of all nodes in prefix order, with powers told apart."""
    heads: list[str] = []
    holds_x: list[bool] = []  # of the subtrees that are read, from the right: the next argument last
    for node in reversed(found):
        inside = tuple(holds_x.pop() for _ in range(PREFIX_ARITY.get(node.word, 0)))
        heads.append(_POWERS.get(inside, node.word) if node.word == "pow" else node.word)
        holds_x.append(node.word == "x" or any(inside))
    return heads[::-1]
