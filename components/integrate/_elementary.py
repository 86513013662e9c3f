"""Whether an antiderivative is an elementary function in the sense of Liouville."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import sympy
from sympy import Expr, RootSum

from intclass.components.integrate._ball_functions import ELEMENTARY, REAL_FUNCTIONS
from intclass.components.shared.expressions import X

_STRUCTURE: Final = frozenset({sympy.Symbol, sympy.Add, sympy.Mul, sympy.Pow})
_FLAGGED: Final = frozenset({sympy.Piecewise, *REAL_FUNCTIONS})


@dataclass(frozen=True, kw_only=True)
class Nature:
    """What an expression is made of.

    Attributes:
        special: Functions of x that are not elementary, such as erf; sorted names.
        flagged: Functions of x that are elementary only between their jumps and kinks: Piecewise, Abs, sign, floor.
    """

    special: tuple[str, ...]
    flagged: tuple[str, ...]

    @property
    def is_elementary(self) -> bool:
        """Whether no function in it is special."""
        return not self.special

    def record(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)


def nature(expression: Expr) -> Nature:
    """What the expression is made of, as a function of x: `erf(1)*x` is elementary, for erf(1) is a number.

    A sum over the roots of a polynomial (RootSum) is elementary if its terms are. Of a Piecewise the branches count,
    not the conditions.
    """
    special, flagged = set(), set()
    stack = [expression]
    while stack:
        node = stack.pop()
        if not node.has(X):
            continue
        if isinstance(node, RootSum):
            stack.append(node.fun.expr)
        elif isinstance(node, sympy.Piecewise):
            flagged.add("Piecewise")
            stack.extend(branch for branch, _ in node.args)
        else:
            if node.func in _FLAGGED:
                flagged.add(node.func.__name__)
            elif node.func not in _STRUCTURE and node.func not in ELEMENTARY:
                special.add(node.func.__name__)
            stack.extend(node.args)
    return Nature(special=tuple(sorted(special)), flagged=tuple(sorted(flagged)))
