"""Values and derivatives of expressions at a point, in complex ball arithmetic.

Forward automatic differentiation (Griewank and Walther, "Evaluating Derivatives", ch. 3): one walk gives value and
derivative together, so nothing is ever differentiated symbolically, which for an antiderivative of 70 kB takes minutes.
The numbers are Arb's complex balls (Johansson, IEEE Trans. Comput. 66, 2017): a ball holds the exact value for sure, so
two balls that do not touch are a proof that two values differ.

Functions have their principal branches, with the same cuts as in SymPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import sympy
from flint import acb, acb_poly, arb, ctx
from sympy import Expr, RootSum, Symbol
from sympy.logic.boolalg import Boolean

from intclass.components.integrate import _duals as duals
from intclass.components.integrate._ball_functions import FUNCTIONS, REAL_FUNCTIONS, hypergeometric
from intclass.components.integrate._duals import UNDEFINED, Dual, Operation
from intclass.components.shared.expressions import X


class UnsupportedError(Exception):
    """The expression holds a function that balls cannot compute."""


class Program:
    """Expressions compiled to a list of operations, shared subexpressions once.

    Attributes:
        real_only: Whether a function such as Abs is in it, whose derivative exists along the real line only, or a
            Piecewise with an inequality, which SymPy means for real x.
    """

    def __init__(self, *expressions: Expr, variables: Sequence[Symbol] = (X,)) -> None:
        self._variables = tuple(variables)
        self._slots: dict[Any, int] = {symbol: slot for slot, symbol in enumerate(self._variables)}
        self._operations: list[Operation] = []
        self._varying: list[bool] = [True] * len(self._variables)
        self._constants: dict[int, list[Dual]] = {}
        self.real_only = False
        self._results = [self._compile(expression) for expression in expressions]

    def at(self, *point: Dual) -> list[Dual]:
        """Value and derivative of each expression at the point, at the precision that flint's context has now."""
        values = [*point, *self._constants_now()]
        for slot, operation in enumerate(self._operations, start=len(self._variables)):
            if self._varying[slot]:
                values[slot] = operation(values)
        return [values[slot] for slot in self._results]

    def _constants_now(self) -> list[Dual]:
        """What does not depend on the variables is computed once for each precision."""
        if ctx.prec not in self._constants:
            values: list[Dual] = [UNDEFINED] * len(self._varying)
            for slot, operation in enumerate(self._operations, start=len(self._variables)):
                if not self._varying[slot]:
                    values[slot] = operation(values)
            self._constants[ctx.prec] = values[len(self._variables) :]
        return self._constants[ctx.prec]

    def _compile(self, root: Expr) -> int:
        """The slot of the expression's value; from the leaves up, without recursion."""
        stack = [root]
        while stack:
            node = stack[-1]
            missing = [] if node in self._slots else [arg for arg in self._operands(node) if arg not in self._slots]
            if missing:
                stack.extend(missing)
                continue
            stack.pop()
            if node not in self._slots:
                self._emit(node)
        return self._slots[root]

    def _operands(self, node: Expr) -> tuple[Expr, ...]:
        if isinstance(node, RootSum | sympy.Piecewise | sympy.CRootOf):
            return ()
        if isinstance(node, sympy.hyper):
            return (*node.ap, *node.bq, node.argument)
        if node.args and node.func not in _COMPOUND:
            raise UnsupportedError(node.func.__name__)
        return tuple(node.args)

    def _emit(self, node: Expr) -> None:
        operation = self._operation(node)
        self._slots[node] = len(self._varying)
        self._operations.append(operation)
        self._varying.append(bool(node.free_symbols & set(self._variables)))

    def _operation(self, node: Expr) -> Operation:
        slots = [self._slots[arg] for arg in self._operands(node)]
        if node.is_Rational or node.is_Float:
            return duals.number(node)
        if node.is_Add:
            return duals.total(slots)
        if node.is_Mul:
            return duals.product(slots)
        if node.is_Pow:
            return duals.power(slots, node.exp)
        if node in _CONSTANTS:
            constant = _CONSTANTS[node]
            return lambda _: (constant(), None)
        if isinstance(node, RootSum):
            return self._root_sum(node)
        if isinstance(node, sympy.Piecewise):
            return self._piecewise(node)
        if isinstance(node, sympy.CRootOf):
            return duals.algebraic_number(node)
        if not slots:
            raise UnsupportedError(str(node))
        return self._function(node, slots)

    def _function(self, node: Expr, slots: list[int]) -> Operation:
        if node.func in REAL_FUNCTIONS:
            self.real_only = True
            return duals.call(REAL_FUNCTIONS[node.func], slots, 0)
        function = FUNCTIONS.get(node.func) or hypergeometric(len(node.ap), len(node.bq))
        variable = function.variable % len(slots)
        if any(self._varying[slot] for slot in [*slots[:variable], *slots[variable + 1 :]]):
            raise UnsupportedError(f"{node.func.__name__} with x in a parameter")
        return duals.call(function, slots, variable)

    def _root_sum(self, node: RootSum) -> Operation:
        """The sum of an expression in x and r over the roots r of a polynomial; the roots are found anew if needed."""
        [root] = node.fun.variables
        body = Program(node.fun.expr, variables=(*self._variables, root))
        coefficients = Program(*node.poly.all_coeffs(), variables=())
        self.real_only |= body.real_only
        roots: dict[int, list[acb]] = {}

        def operation(values: list[Dual]) -> Dual:
            if ctx.prec not in roots:
                roots[ctx.prec] = _roots([value for value, _ in coefficients.at()])
            total: Dual = (acb(0), None)
            for value in roots[ctx.prec]:
                [term] = body.at(*values[: len(self._variables)], (value, None))
                total = duals.add(total, term)
            return total

        return operation

    def _piecewise(self, node: sympy.Piecewise) -> Operation:
        """The first branch whose condition holds; undefined where balls cannot tell."""
        branches = Program(*[expression for expression, _ in node.args], variables=self._variables)
        self.real_only |= branches.real_only
        conditions = [_Condition(condition, self._variables) for _, condition in node.args]
        self.real_only |= any(condition.is_ordering for condition in conditions)

        def operation(values: list[Dual]) -> Dual:
            point = values[: len(self._variables)]
            for index, condition in enumerate(conditions):
                holds = condition.at(*point)
                if holds is not False:
                    return branches.at(*point)[index] if holds else UNDEFINED
            return UNDEFINED

        return operation


class _Condition:
    """A condition of a Piecewise, decided by balls: true, false, or None for unknown.

    Attributes:
        is_ordering: Whether it compares by size, not only for equality.
    """

    def __init__(self, condition: Boolean, variables: Sequence[Symbol]) -> None:
        self._condition = condition
        self.is_ordering = condition.has(sympy.Gt, sympy.Ge, sympy.Lt, sympy.Le)
        self._parts: list[_Condition] = []
        if isinstance(condition, sympy.And | sympy.Or | sympy.Not):
            self._parts = [_Condition(part, variables) for part in condition.args]
        elif isinstance(condition, sympy.core.relational.Relational):
            self._difference = Program(condition.lhs - condition.rhs, variables=variables)
        elif condition not in (sympy.true, sympy.false):
            raise UnsupportedError(f"a condition {type(condition).__name__}")

    def at(self, *point: Dual) -> bool | None:
        """Whether the condition holds at the point."""
        condition = self._condition
        if condition in (sympy.true, sympy.false):
            return bool(condition)
        if self._parts:
            return self._combined([part.at(*point) for part in self._parts])
        [(difference, _)] = self._difference.at(*point)
        if isinstance(condition, sympy.Eq | sympy.Ne):
            if difference.contains(0):
                return None
            return isinstance(condition, sympy.Ne)
        if not difference.imag.is_zero() or difference.real.contains(0):
            return None
        return bool(difference.real > 0) == isinstance(condition, sympy.Gt | sympy.Ge)

    def _combined(self, parts: list[bool | None]) -> bool | None:
        if isinstance(self._condition, sympy.Not):
            return None if parts[0] is None else not parts[0]
        decisive = isinstance(self._condition, sympy.Or)  # one true part decides an Or, one false part an And
        if decisive in parts:
            return decisive
        return None if None in parts else not decisive


_COMPOUND: Final = frozenset({sympy.Add, sympy.Mul, sympy.Pow, *FUNCTIONS, *REAL_FUNCTIONS})

_CONSTANTS: Final[dict[Expr, Callable[[], acb]]] = {
    sympy.pi: acb.pi,
    sympy.E: lambda: acb(1).exp(),
    sympy.I: lambda: acb(0, 1),
    sympy.EulerGamma: lambda: acb(arb.const_euler()),
    sympy.Catalan: lambda: acb(arb.const_catalan()),
    sympy.GoldenRatio: lambda: (acb(5).sqrt() + 1) / 2,
}


def _roots(coefficients: list[acb]) -> list[acb]:
    """The roots of the polynomial, highest coefficient first; undefined if they cannot be told apart."""
    try:
        roots: list[acb] = acb_poly(coefficients[::-1]).roots(tol=arb(2) ** (8 - ctx.prec), maxprec=4 * ctx.prec)
    except ValueError:
        return [UNDEFINED[0]]
    return roots
