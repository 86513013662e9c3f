"""What an engine's answer may hold beyond a user's expression: special functions, conditions, sums over roots."""

from __future__ import annotations

import ast
import keyword
from typing import Any, Final

from sympy import Expr, Lambda, Piecewise, Pow, RootSum, Symbol, Tuple, polylog, rootof

from intclass.components.shared.expressions._assumptions import Unasked
from intclass.components.shared.expressions._build import Builder
from intclass.components.shared.expressions._guard import Guard
from intclass.components.shared.expressions._limits import Limits, over_limit, unreadable
from intclass.components.shared.expressions._names import (
    CONDITIONS,
    CONNECTIVES,
    FORMS,
    FUNCTION_NAMES,
    RELATIONS,
    SPECIAL,
    SPECIAL_CONSTANTS,
    SPELLINGS,
    TRUTH,
    WRITTEN_OUT,
)
from intclass.components.shared.expressions._reader import Reader, syntax
from intclass.components.shared.expressions._tokens import to_python_trusted
from intclass.components.shared.expressions._tree import Node

_MAX_PARAMETER: Final = 100  # of the functions that SymPy writes out at whole numbers
_MAX_DEGREE: Final = 30  # of a polynomial whose roots are isolated for CRootOf
_UNEVALUATED: Final = frozenset({"Integral", "Derivative", "Subs", "Limit", "Sum", "integral", "intg"})
_REFUSED: Final = frozenset({"zoo", "nan"})

_NOT_NUMBERS: Final = frozenset({"tuple", "Lambda", *TRUTH, *RELATIONS, *CONNECTIVES, *CONDITIONS})
_COMPARISONS: Final = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}


def read_trusted(text: str, limits: Limits) -> Node:
    """The tree of an engine's answer. Raises ExpressionError."""
    source = to_python_trusted(text, limits, _known_name)
    return _TrustedReader(source, limits).node(syntax(source), 1)


def _known_name(name: str, start: int) -> tuple[str, str]:
    if name in _UNEVALUATED:
        raise unreadable(f"the answer leaves {name} unevaluated", start)
    if name in _REFUSED or (keyword.iskeyword(name) and name not in SPECIAL_CONSTANTS):
        raise unreadable(f"{name!r} cannot be part of an answer", start)
    spelling = SPELLINGS.get(name, name)
    function = spelling in FUNCTION_NAMES or spelling in SPECIAL or spelling in FORMS or spelling in CONDITIONS
    return ("function" if function else "name"), spelling


class _TrustedReader(Reader):
    """Admits tuples, comparisons and functions of several arguments."""

    def call(self, name: str, arguments: list[ast.expr], *, place: int, depth: int) -> Node:
        if name in FUNCTION_NAMES:
            return super().call(name, arguments, place=place, depth=depth)
        return Node(name, self._all(arguments, depth), place=place)

    def other(self, tree: ast.expr, *, place: int, depth: int) -> Node:
        match tree:
            case ast.Tuple(elts=members):
                return Node("tuple", self._all(members, depth), place=place)
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in _COMPARISONS:
                return Node(_COMPARISONS[type(operator)], self._all([left, right], depth), place=place)
            case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
                return Node("and", self._all([left, right], depth), place=place)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return Node("or", self._all([left, right], depth), place=place)
            case ast.UnaryOp(op=ast.Invert(), operand=operand):
                return Node("Not", self._all([operand], depth), place=place)
            case ast.Constant(value=bool() as value):
                return Node(str(value), place=place)
        return super().other(tree, place=place, depth=depth)

    def _all(self, trees: list[ast.expr], depth: int) -> tuple[Node, ...]:
        return tuple([self.node(tree, depth + 1) for tree in trees])


class TrustedBuilder(Builder):
    """Knows the special functions, and the variables that Lambda binds."""

    def __init__(self, guard: Guard, unasked: Unasked) -> None:
        super().__init__(guard, unasked)
        self._bound: dict[str, Any] = {}

    def leaf(self, node: Node) -> Expr:
        if node.head in self._bound:
            return self._bound[node.head]
        if node.head in SPECIAL_CONSTANTS:
            return SPECIAL_CONSTANTS[node.head]
        return super().leaf(node)

    def build(self, node: Node) -> Expr:
        if node.head in _NOT_NUMBERS:
            raise unreadable("a condition or a tuple stands where a number is needed", node.place)
        return super().build(node)

    def call(self, node: Node) -> Expr:
        head = node.head
        if head == "RootSum":
            return self.settled(self._root_sum(node), node.place)
        if head not in SPECIAL and head not in FORMS:
            return super().call(node)
        arguments = [self._argument(argument) for argument in node.args]
        if head in WRITTEN_OUT:
            self._check_parameters(arguments, node)
        return self.settled(self._form(head, arguments, node.place), node.place)

    def unreal_root(self, base: Any, exponent: Any, place: int) -> Expr:  # noqa: ANN401
        return self.settled(Pow(base, exponent, evaluate=False), place)

    def _argument(self, node: Node) -> Any:  # noqa: ANN401
        """A number, or a condition or tuple, which may stand as an argument only."""
        head = node.head
        if head in RELATIONS:
            return RELATIONS[head][0](*map(self.build, node.args))
        if head in CONNECTIVES:
            return CONNECTIVES[head][0](*map(self._argument, node.args))
        if head == "tuple":
            return Tuple(*map(self._argument, node.args))
        if head in CONDITIONS:
            return CONDITIONS[head](*map(self._argument, node.args))
        return TRUTH[head] if head in TRUTH else self.build(node)

    def _form(self, head: str, arguments: list[Any], place: int) -> Any:  # noqa: ANN401
        if head == "Piecewise":
            return Piecewise(*arguments)
        if head == "dilog":
            return polylog(2, 1 - arguments[0], evaluate=False)
        if head == "polylog":  # evaluated, it asks whether its argument equals 0, 1 or -1, which may take minutes
            return polylog(*arguments, evaluate=False)
        if head == "CRootOf":
            return self._root(arguments, place)
        return SPECIAL[head](*arguments)

    def _root(self, arguments: list[Any], place: int) -> Any:  # noqa: ANN401
        polynomial, index = arguments
        degree = polynomial.as_poly().degree()
        if degree > _MAX_DEGREE:
            raise over_limit("the degree of CRootOf", value=str(degree), limit=str(_MAX_DEGREE), position=place)
        return rootof(polynomial, index)

    def _root_sum(self, node: Node) -> Any:  # noqa: ANN401
        match node.args:
            case (polynomial, Node(head="Lambda", args=(Node(head=name, args=()), body))):
                outer = self._bound
                variable = Symbol(name)
                self._bound = {**outer, name: variable}
                terms = Lambda(variable, self.build(body))
                roots_of = self.build(polynomial)
                self._bound = outer
                return RootSum(roots_of, terms, x=variable)
        raise unreadable("write RootSum(p(t), Lambda(t, f(t)))", node.place)

    def _check_parameters(self, arguments: list[Any], node: Node) -> None:
        for argument in arguments:
            if argument.is_Rational and abs(argument) > _MAX_PARAMETER:
                value = str(argument) if abs(argument) < 10**12 else "huge"
                raise over_limit(
                    f"a parameter of {node.head}", value=value, limit=str(_MAX_PARAMETER), position=node.place
                )
