"""The tree between text, prefix words and SymPy: what is written, before anything is evaluated.

A node's head is one of

    add mul          any number of arguments
    neg inv          minus, one over
    pow sqrt         base and exponent; square root
    int              a non-negative integer, in `number`
    x pi E           leaves, and any name that the reader admitted
    sin, log, ...    functions

so a - b is add(a, neg(b)) and a/b is mul(a, inv(b)).
"""

from __future__ import annotations

from typing import NamedTuple


class Node(NamedTuple):
    """One operator, function or leaf; `place` is its offset in the text or word list it came from, -1 if none."""

    head: str
    args: tuple[Node, ...] = ()
    number: int = 0
    place: int = -1


def integer(value: int, place: int = -1) -> Node:
    """A node for a non-negative integer."""
    return Node("int", (), value, place)


ONE = integer(1)
TWO = integer(2)
X_LEAF = Node("x")


def summands(node: Node) -> list[tuple[Node, int]]:
    """The terms of a sum with their signs, nested sums and minus signs taken apart: a - (b - c) is +a, -b, +c."""
    terms = []
    stack = [(node, 1)]
    while stack:
        node, sign = stack.pop()
        if node.head == "add":
            stack.extend((argument, sign) for argument in reversed(node.args))
        elif node.head == "neg":
            stack.append((node.args[0], -sign))
        else:
            terms.append((node, sign))
    return terms


def factors(node: Node) -> tuple[list[tuple[Node, bool]], int]:
    """The factors of a product, each with whether it divides, and the product's sign: -a/(b*c) is a, /b, /c and -1."""
    found = []
    sign = 1
    stack = [(node, False)]
    while stack:
        node, divides = stack.pop()
        if node.head == "mul":
            stack.extend((argument, divides) for argument in reversed(node.args))
        elif node.head == "inv":
            stack.append((node.args[0], not divides))
        elif node.head == "neg":
            sign = -sign
            stack.append((node.args[0], divides))
        else:
            found.append((node, divides))
    return found, sign
