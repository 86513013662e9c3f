"""Text to tree: Python's own parser on whitelisted pieces, and a whitelist of the syntax that may come out."""

from __future__ import annotations

import ast
from typing import Final

from intclass.components.shared.expressions._limits import Limits, too_deep, too_large, unreadable
from intclass.components.shared.expressions._names import CBRT
from intclass.components.shared.expressions._tokens import Source, quoted, to_python
from intclass.components.shared.expressions._tree import Node, integer

_SUM: Final = (ast.Add, ast.Sub)
_PRODUCT: Final = (ast.Mult, ast.Div)


def read(text: str, limits: Limits) -> Node:
    """The tree of a user's text. Raises ExpressionError."""
    source = to_python(text, limits)
    return Reader(source, limits).node(syntax(source), 1)


def syntax(source: Source) -> ast.expr:
    """Python's syntax tree of the text. Raises ExpressionError; nothing is compiled or run."""
    try:
        return ast.parse(source.python, mode="eval").body
    except SyntaxError as error:
        place = source.place((error.offset or 1) - 1)
        raise unreadable(f"cannot be read: {quoted(source.text, place)}", place) from None
    except (RecursionError, MemoryError, ValueError):
        raise unreadable("the expression is nested too deeply to be read") from None


class Reader:
    """Turns Python's syntax tree into ours, counting nodes and depth."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._nodes = 0

    def node(self, tree: ast.expr, depth: int) -> Node:
        """The node for one piece of syntax; long sums and products count as one level."""
        place = self._count(tree, depth)
        match tree:
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return Node("add", self._chain(tree, _SUM, "neg", depth), place=place)
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return Node("mul", self._chain(tree, _PRODUCT, "inv", depth), place=place)
            case ast.BinOp(left=base, op=ast.Pow(), right=exponent):
                return Node("pow", (self.node(base, depth + 1), self.node(exponent, depth + 1)), place=place)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._signed(tree, place, depth)
            case ast.Constant(value=int() as value) if not isinstance(value, bool):
                return integer(value, place)
            case ast.Name(id=name):
                return Node(name, place=place)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.call(name, arguments, place=place, depth=depth)
        return self.other(tree, place=place, depth=depth)

    def call(self, name: str, arguments: list[ast.expr], *, place: int, depth: int) -> Node:
        """A function's node; `log(a, b)` is the logarithm of a to the base b."""
        if len(arguments) != 1 and (name, len(arguments)) != ("log", 2):
            raise unreadable(f"{name} takes one argument, not {len(arguments)}", place)
        nodes = tuple([self.node(argument, depth + 1) for argument in arguments])
        if len(nodes) == 2:
            logarithm, of_base = (Node("log", (node,), place=node.place) for node in nodes)
            return Node("mul", (logarithm, Node("inv", (of_base,), place=of_base.place)), place=place)
        if name == CBRT:
            return Node("pow", (nodes[0], Node("inv", (integer(3),))), place=place)
        return Node(name, nodes, place=place)

    def other(self, tree: ast.expr, *, place: int, depth: int) -> Node:
        """The node for syntax that is no arithmetic; there is none here. Raises ExpressionError."""
        raise unreadable(f"not part of an expression: {quoted(self._source.text, place)}", place)

    def _chain(self, tree: ast.expr, operators: tuple[type, ...], inverse: str, depth: int) -> tuple[Node, ...]:
        """The operands of `a - b + c` from left to right, those behind the inverse operator wrapped in it."""
        operands: list[tuple[ast.expr, bool]] = []
        while isinstance(tree, ast.BinOp) and isinstance(tree.op, operators):
            operands.append((tree.right, isinstance(tree.op, operators[1])))
            tree = tree.left
        operands.append((tree, False))
        return tuple(
            [self._operand(operand, inverse if inverted else "", depth + 1) for operand, inverted in reversed(operands)]
        )

    def _operand(self, tree: ast.expr, inverse: str, depth: int) -> Node:
        node = self.node(tree, depth)
        return Node(inverse, (node,), place=node.place) if inverse else node

    def _signed(self, tree: ast.expr, place: int, depth: int) -> Node:
        negative = False
        while isinstance(tree, ast.UnaryOp) and isinstance(tree.op, (ast.USub, ast.UAdd)):
            negative ^= isinstance(tree.op, ast.USub)
            tree = tree.operand
        node = self.node(tree, depth + 1)
        return Node("neg", (node,), place=place) if negative else node

    def _count(self, tree: ast.expr, depth: int) -> int:
        place = self._source.place(tree.col_offset)
        self._nodes += 1
        if self._nodes > self._limits.nodes:
            raise too_large(self._limits, place)
        if depth > self._limits.depth:
            raise too_deep(self._limits, place)
        return place
