"""Expressions as people read them: MathML for a page, LaTeX for a paper. Nothing is evaluated on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions._boxes import INTEGRAL_SIGN, Box, integral, layout, plus_constant
from intclass.components.shared.expressions._limits import DEFAULT_LIMITS, TRUSTED_LIMITS, Limits
from intclass.components.shared.expressions._reader import read
from intclass.components.shared.expressions._text import write
from intclass.components.shared.expressions._tree import Node
from intclass.components.shared.expressions._trusted import read_trusted

_THIN: Final = '<mspace width="0.167em"/>'
_TIMES: Final = "<mo>&#x2062;</mo>"
_APPLY: Final = "<mo>&#x2061;</mo>"
_TIGHT: Final = ("variable", "fence", "power", "root")  # what stands close behind a number
_OTHERWISE: Final = Box("variable", text="True")
_LATEX_NAMES: Final = frozenset(
    (
        "sin",
        "cos",
        "tan",
        "cot",
        "sec",
        "csc",
        "sinh",
        "cosh",
        "tanh",
        "coth",
        "ln",
        "exp",
        "arcsin",
        "arccos",
        "arctan",
    )
)
_LATEX_SIGNS: Final = {
    ":": ": ",
    "\u2212": "-",
    INTEGRAL_SIGN: r"\int ",
    "\u2264": r"\le ",
    "\u2265": r"\ge ",
    "\u2260": r"\ne ",
    "\u21a6": r"\mapsto ",
    "\u2227": r"\land ",
    "\u2228": r"\lor ",
    "\u03c0": r"\pi",
    "\u221e": r"\infty",
}


@dataclass(frozen=True)
class Formula:
    """An expression as it is written: `mathml` is a whole element, `latex` is for math mode."""

    _box: Box

    @property
    def mathml(self) -> str:
        """As a `math` element in display style."""
        return f'<math display="block">{_mathml(self._box)}</math>'

    @property
    def latex(self) -> str:
        """For LaTeX's math mode."""
        return _latex(self._box)

    def integral(self) -> Formula:
        """Its indefinite integral, not evaluated."""
        return Formula(integral(self._box))

    def plus_constant(self) -> Formula:
        """The same with the constant of integration."""
        return Formula(plus_constant(self._box))


def formula(text: str, *, limits: Limits = DEFAULT_LIMITS) -> Formula:
    """What a user wrote, as written. Raises ExpressionError as `parse` does for what has no syntax or is too large."""
    return _laid_out(read(text, limits))


def formula_trusted(text: str) -> Formula:
    """An engine's answer, as written; admits what `parse_trusted` does. Raises ExpressionError."""
    return _laid_out(read_trusted(text, TRUSTED_LIMITS))


def sympy_text(text: str, *, limits: Limits = DEFAULT_LIMITS) -> str:
    """What a user wrote in SymPy's notation, not evaluated: `2x^2` is `2*x**2`. Raises ExpressionError."""
    return write(read(text, limits))


def _laid_out(node: Node) -> Formula:
    try:
        return Formula(layout(node))
    except RecursionError:
        raise ExpressionError("the expression is nested too deeply to be set") from None


def _mathml(box: Box) -> str:
    match box.kind:
        case "number":
            return f"<mn>{box.text}</mn>"
        case "variable" | "name":
            return f"<mi>{escape(box.text)}</mi>"
        case "operator":
            stretched = ' stretchy="true" minsize="1.7em"' if box.text == INTEGRAL_SIGN else ""
            return f"<mo{stretched}>{escape(box.text)}</mo>"
        case "product":
            return f"<mrow>{_mathml_product(box.parts)}</mrow>"
        case "cases":
            return f"<mrow><mo>{{</mo><mtable>{''.join(map(_mathml_case, box.parts))}</mtable></mrow>"
    parts = [_mathml(part) for part in box.parts]
    match box.kind:
        case "fraction":
            return f"<mfrac>{parts[0]}{parts[1]}</mfrac>"
        case "power":
            return f"<msup>{parts[0]}{parts[1]}</msup>"
        case "root" if len(parts) == 2:
            return f"<mroot>{parts[0]}{parts[1]}</mroot>"
        case "root":
            return f"<msqrt>{parts[0]}</msqrt>"
        case "fence":
            rigid = ' stretchy="false"' if _is_flat(box.parts[0]) else ""  # fonts space a stretched one more widely
            return f"<mrow><mo{rigid}>(</mo>{parts[0]}<mo{rigid}>)</mo></mrow>"
        case "bars":
            return f'<mrow><mo form="prefix">|</mo>{parts[0]}<mo form="postfix">|</mo></mrow>'
        case "apply":
            return f"<mrow>{parts[0]}{_APPLY}{parts[1]}</mrow>"
        case "sum":
            return f"<mrow><munder><mo>\u2211</mo>{parts[0]}</munder>{parts[1]}</mrow>"
        case "list":
            return f"<mrow>{'<mo>,</mo>'.join(parts)}</mrow>"
    assert box.kind == "row", box.kind
    return f"<mrow>{''.join(parts)}</mrow>"


def _mathml_product(parts: Sequence[Box]) -> str:
    pieces = [_mathml(parts[0])]
    for left, right in pairwise(parts):
        if _needs_dot(left, right):
            pieces.append("<mo>\u22c5</mo>")
        else:
            pieces.append(_TIMES if left.kind == "number" and right.kind in _TIGHT else _TIMES + _THIN)
        pieces.append(_mathml(right))
    return "".join(pieces)


def _mathml_case(case: Box) -> str:
    value, condition = case.parts
    when = f"<mtext>if</mtext>{_THIN}{_mathml(condition)}" if condition != _OTHERWISE else "<mtext>otherwise</mtext>"
    return f"<mtr><mtd>{_mathml(value)}</mtd><mtd>{when}</mtd></mtr>"


def _is_flat(box: Box) -> bool:
    """Whether it is no higher than a letter."""
    return box.kind not in ("fraction", "power", "root", "cases") and all(map(_is_flat, box.parts))


def _needs_dot(left: Box, right: Box) -> bool:
    """Where two factors side by side would read as one number: before a digit, and between a number and a fraction."""
    first = right
    while first.kind in ("power", "row", "product") and first.parts:
        first = first.parts[0]
    return first.kind == "number" or (left.kind == "number" and first.kind == "fraction")


def _latex(box: Box) -> str:
    match box.kind:
        case "number":
            return box.text
        case "variable":
            text = _LATEX_SIGNS.get(box.text, box.text)
            return text if len(text) == 1 or text.startswith("\\") else rf"\mathit{{{text}}}"
        case "name":
            escaped = box.text.replace("_", r"\_")
            return rf"\{box.text}" if box.text in _LATEX_NAMES else rf"\operatorname{{{escaped}}}"
        case "operator":
            return _LATEX_SIGNS.get(box.text, f" {box.text} " if box.text in "+<>=" else box.text)
        case "product":
            return _latex_product(box.parts)
        case "cases":
            return r"\begin{cases} " + r" \\ ".join(map(_latex_case, box.parts)) + r" \end{cases}"
    parts = [_latex(part) for part in box.parts]
    match box.kind:
        case "fraction":
            return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
        case "power":
            return f"{parts[0]}^{{{parts[1]}}}"
        case "root":
            return rf"\sqrt[{parts[1]}]{{{parts[0]}}}" if len(parts) == 2 else rf"\sqrt{{{parts[0]}}}"
        case "fence":
            return rf"\left({parts[0]}\right)"
        case "bars":
            return rf"\left|{parts[0]}\right|"
        case "sum":
            return rf"\sum_{{{parts[0]}}} {parts[1]}"
        case "list":
            return ", ".join(parts)
    return _latex_row(box.parts) if box.kind == "row" else "".join(parts)


def _latex_row(parts: Sequence[Box]) -> str:
    pieces = []
    for index, part in enumerate(parts):
        minus = index > 0 and part == Box("operator", text="\u2212")
        pieces.append(" - " if minus else _latex(part))
    return "".join(pieces)


def _latex_product(parts: Sequence[Box]) -> str:
    pieces = [_latex(parts[0])]
    for left, right in pairwise(parts):
        if _needs_dot(left, right):
            pieces.append(r" \cdot ")
        else:
            pieces.append(r"\, " if right.kind == "row" else " ")
        pieces.append(_latex(right))
    return "".join(pieces)


def _latex_case(case: Box) -> str:
    value, condition = case.parts
    when = rf"\text{{if }} {_latex(condition)}" if condition != _OTHERWISE else r"\text{otherwise}"
    return f"{_latex(value)} & {when}"
