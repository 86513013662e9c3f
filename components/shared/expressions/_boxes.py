"""Tree to boxes: how an expression is laid out on paper, before any notation is chosen for it.

Fractions are built up, except in exponents; `exp(p)` is a power of e while p is small; brackets stand only where the
layout would be read differently without them. Nothing is evaluated or reordered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from intclass.components.shared.expressions._names import ELEMENTARY
from intclass.components.shared.expressions._tree import Node, factors

INTEGRAL_SIGN: Final = "\u222b"

_SUM, _PRODUCT, _POWER, _ATOM = range(4)  # how tightly a box holds together
_LEVEL: Final = {"add": _SUM, "neg": _SUM, "mul": _PRODUCT, "inv": _PRODUCT, "pow": _POWER, "exp": _POWER}
_LARGEST_EXPONENT: Final = 16  # nodes; a larger one is set as exp(...)
_RELATIONS: Final = {"lt": "<", "le": "\u2264", "gt": ">", "ge": "\u2265", "Eq": "=", "Ne": "\u2260"}
_CONNECTIVES: Final = {"and": "\u2227", "or": "\u2228"}
_VARIABLES: Final = {"pi": "\u03c0", "E": "e", "I": "i", "oo": "\u221e"}


class Box(NamedTuple):
    """A piece of a formula. These are the kinds and their parts.

    number, variable, name (set upright), operator: no parts, but `text`
    row: parts from left to right; fence, bars: one part in brackets or between bars
    fraction: numerator, denominator; power: base, exponent; root: radicand, and an index if it is no square root
    product: factors with no sign between them; apply: the function's name and its fenced argument
    cases: rows of two parts, value and condition; list: parts with commas between them
    sum: what it runs over, and its term
    """

    kind: str
    parts: tuple[Box, ...] = ()
    text: str = ""


def layout(node: Node) -> Box:
    """The boxes of a tree."""
    return _layout(_with_decimals(node))


def _with_decimals(node: Node) -> Node:
    """The tree with the decimals put together that the reader took apart: 0.5 is 5/10, both at one place in the text.

    A decimal is a leaf with its text as the head.
    """
    arguments: list[Node] = []
    for argument in map(_with_decimals, node.args):
        decimal = _decimal(arguments[-1], argument) if node.head == "mul" and arguments else None
        arguments[-1 if decimal else len(arguments) :] = [decimal or argument]
    whole = node.head == "mul" and len(arguments) == 1
    return arguments[0] if whole else node._replace(args=tuple(arguments))


def _decimal(left: Node, right: Node) -> Node | None:
    match left, right:
        case Node("int", (), over, place), Node("inv", (Node("int", (), under, other),)) if place == other >= 0:
            text = str(over).rjust(len(str(under)), "0")
            digits = len(str(under)) - 1
            return Node(f"{text[:-digits]}.{text[-digits:]}" if digits else text, place=place)
    return None


def _layout(node: Node) -> Box:
    head = node.head
    if head == "int":
        return Box("number", text=str(node.number))
    if not node.args and head[0].isdigit():
        return Box("number", text=head)
    if not node.args:
        return Box("variable", text=_VARIABLES.get(head, head.lstrip("_") or head))
    if head in ("add", "neg"):
        return _sum(node)
    if head in ("mul", "inv"):
        return _product(node)
    if head == "pow":
        return _power(*node.args)
    if head == "sqrt":
        return Box("root", (_layout(node.args[0]),))
    if head == "exp" and _size(node) <= _LARGEST_EXPONENT:
        return Box("power", (Box("variable", text="e"), _exponent(node.args[0])))
    return _applied(node)


def integral(integrand: Box) -> Box:
    """The indefinite integral of an integrand over x."""
    inner = Box("fence", (integrand,)) if _is_sum(integrand) else integrand
    differential = Box("row", (Box("variable", text="d"), Box("variable", text="x")))
    return Box("row", (Box("operator", text=INTEGRAL_SIGN), Box("product", (inner, differential))))


def plus_constant(antiderivative: Box) -> Box:
    """An antiderivative and the constant of integration."""
    return Box("row", (antiderivative, Box("operator", text="+"), Box("variable", text="C")))


def _within(node: Node, level: int) -> Box:
    box = _layout(node)
    return box if _LEVEL.get(node.head, _ATOM) >= level or box.kind == "number" else Box("fence", (box,))


def _is_sum(box: Box) -> bool:
    return box.kind == "row" and any(part.kind == "operator" for part in box.parts)


def _size(node: Node) -> int:
    return 1 + sum(map(_size, node.args))


def _sum(node: Node) -> Box:
    parts: list[Box] = []
    for term in node.args if node.head == "add" else (node,):
        negative = term.head == "neg"
        inner = term.args[0] if negative else term
        box = _within(inner, _PRODUCT) if negative or parts else _layout(inner)
        leads_with_minus = box.kind == "row"
        if negative or (parts and not leads_with_minus):
            parts.append(Box("operator", text="\u2212" if negative else "+"))
        parts += box.parts if box.kind == "row" else (box,)
    return Box("row", tuple(parts))


def _product(node: Node) -> Box:
    parts, sign = factors(node)
    quotients = _quotients(parts)
    boxes = [_quotient(*quotient, alone=len(quotients) == 1) for quotient in quotients]
    box = boxes[0] if len(boxes) == 1 else Box("product", _flat(boxes))
    return box if sign > 0 else Box("row", (Box("operator", text="\u2212"), box))


def _quotients(parts: Sequence[tuple[Node, bool]]) -> list[tuple[list[Node], list[Node]]]:
    """Numerators and denominators of the fractions in a chain: `2/3*x` is two thirds times x, `x/3*y` is x*y over 3."""
    found: list[tuple[list[Node], list[Node]]] = [([], [])]
    for part, divides in parts:
        over, under = found[-1]
        if not divides and under and all(each.head == "int" for each in (*over, *under)):
            found.append(([part], []))
        else:
            (under if divides else over).append(part)
    return found


def _quotient(over: Sequence[Node], under: Sequence[Node], *, alone: bool) -> Box:
    if not under:
        return _factors(over, alone=alone and len(over) == 1)
    return Box("fraction", (_factors(over, alone=len(over) <= 1), _factors(under, alone=len(under) == 1)))


def _factors(nodes: Sequence[Node], *, alone: bool) -> Box:
    if not nodes:
        return Box("number", text="1")
    if alone:
        return _layout(nodes[0])
    boxes = [_within(node, _POWER) for node in nodes]
    return boxes[0] if len(boxes) == 1 else Box("product", tuple(boxes))


def _flat(boxes: Sequence[Box]) -> tuple[Box, ...]:
    return tuple(part for box in boxes for part in (box.parts if box.kind == "product" else (box,)))


def _power(base: Node, exponent: Node) -> Box:
    if exponent.head == "inv" and exponent.args[0].head == "int":  # a cube root
        return Box("root", (_layout(base), _layout(exponent.args[0])))
    if base.head in ELEMENTARY and base.head != "exp":
        if exponent.head == "int" and exponent.number > 1:  # sin^2(x); a sine to the -1 could be an arcsine
            applied = _applied(base)
            name = Box("power", (applied.parts[0], _layout(exponent)))
            return Box("apply", (name, *applied.parts[1:]))
        return Box("power", (Box("fence", (_layout(base),)), _exponent(exponent)))
    return Box("power", (_within(base, _ATOM), _exponent(exponent)))


def _exponent(node: Node) -> Box:
    """As `layout`, but a number's fraction is set with a slash, which is easier to read when small."""
    match factors(node):
        case [(Node("int") as over, False), (Node("int") as under, True)], sign:
            minus = (Box("operator", text="\u2212"),) if sign < 0 else ()
            return Box("row", (*minus, _layout(over), Box("operator", text="/"), _layout(under)))
    return _layout(node)


def _applied(node: Node) -> Box:
    head, arguments = node.head, tuple(map(_layout, node.args))
    if head == "Abs":
        return Box("bars", arguments)
    if head == "Piecewise":
        return Box("cases", arguments)
    if head == "RootSum" and node.args[1].head == "Lambda":
        variable, term = map(_layout, node.args[1].args)
        roots = (variable, Box("operator", text=":"), arguments[0], Box("operator", text="="), Box("number", text="0"))
        return Box("sum", (Box("row", roots), term))
    if head == "Lambda":
        return Box("row", (arguments[0], Box("operator", text="\u21a6"), arguments[1]))
    if head == "tuple":
        return Box("list", arguments)
    if head in _RELATIONS and len(arguments) == 2:
        return Box("row", (arguments[0], Box("operator", text=_RELATIONS[head]), arguments[1]))
    if head in _CONNECTIVES and len(arguments) == 2:
        return Box("row", (arguments[0], Box("operator", text=_CONNECTIVES[head]), arguments[1]))
    argument = arguments[0] if len(arguments) == 1 else Box("list", arguments)
    return Box("apply", (Box("name", text=_name(head)), Box("fence", (argument,))))


def _name(head: str) -> str:
    """A function's name in print: ln for log, arctan for atan, arsinh for asinh."""
    if head == "log":
        return "ln"
    if head in ELEMENTARY and head.startswith("a"):
        return ("ar" if head.endswith("h") else "arc") + head[1:]
    return head
