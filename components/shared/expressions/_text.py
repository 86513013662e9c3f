"""Tree to text in SymPy's notation: `-x**2 + sin(x)/(2*x) + 1`."""

from __future__ import annotations

from typing import Final

from sympy import Expr

from intclass.components.shared.expressions._decompose import decompose
from intclass.components.shared.expressions._names import CONNECTIVES, RELATIONS
from intclass.components.shared.expressions._tree import Node, factors

_SUM, _PRODUCT, _POWER, _ATOM = range(4)  # how tightly a piece of text holds together
_INFIX_LEVEL: Final = {"add": _SUM, "neg": _SUM, "mul": _PRODUCT, "inv": _PRODUCT, "pow": _POWER}


def to_text(expr: Expr) -> str:
    """The expression as text that `parse` reads back to an equal one.

    Arguments stand in SymPy's own order, numbers last in sums. Raises ExpressionError if it holds something that has
    no notation here.
    """
    return write(decompose(expr))


def write(node: Node) -> str:
    """The text of a tree."""
    head = node.head
    if head == "int":
        return str(node.number)
    if not node.args:
        return "()" if head == "tuple" else head
    if head in ("add", "neg"):
        return _sum(node)
    if head in ("mul", "inv"):
        return _product(node)
    if head == "pow":
        return f"{_within(node.args[0], _ATOM)}**{_within(node.args[1], _ATOM)}"
    if head == "tuple":
        return f"({', '.join(map(write, node.args))}{',' if len(node.args) == 1 else ''})"
    if head in RELATIONS:
        return f" {RELATIONS[head][1]} ".join(map(write, node.args))
    if head in CONNECTIVES:
        return f" {CONNECTIVES[head][1]} ".join(f"({write(part)})" for part in node.args)
    return f"{head}({', '.join(map(write, node.args))})"


def _within(node: Node, level: int) -> str:
    text = write(node)
    return text if _INFIX_LEVEL.get(node.head, _ATOM) >= level else f"({text})"


def _sum(node: Node) -> str:
    terms = node.args if node.head == "add" else (node,)
    if _is_number(terms[0]) and len(terms) > 1:
        terms = (*terms[1:], terms[0])
    pieces = []
    for term in terms:
        negative = term.head == "neg"
        text = _within(term.args[0] if negative else term, _PRODUCT)
        pieces.append((" - " if negative else " + ") + text)
    joined = "".join(pieces)
    return joined[3:] if joined[1] == "+" else "-" + joined[3:]


def _is_number(node: Node) -> bool:
    while node.head in ("neg", "inv"):
        node = node.args[0]
    return node.head == "int" or (node.head == "mul" and all(map(_is_number, node.args)))


def _product(node: Node) -> str:
    parts, sign = factors(node)
    over = [_within(part, _POWER) for part, divides in parts if not divides]
    under = [_within(part, _POWER) for part, divides in parts if divides]
    text = "*".join(over) or "1"
    if under:
        text += f"/{under[0]}" if len(under) == 1 else f"/({'*'.join(under)})"
    return text if sign > 0 else f"-{text}"
