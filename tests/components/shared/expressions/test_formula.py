"""Expressions set as mathematics: the layout by its LaTeX, MathML by what is in it, both for any expression."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import (
    formula,
    formula_trusted,
    from_prefix,
    parse,
    sympy_text,
    to_text,
)

LATEX = {
    "x*exp(x^2)": r"x e^{x^{2}}",
    "2x^2": r"2 x^{2}",
    "-x": "-x",
    "x - (x - 1)": r"x - \left(x - 1\right)",
    "-(x+1)": r"-\left(x + 1\right)",
    "2*3": r"2 \cdot 3",
    "x*2": r"x \cdot 2",
    "1/(2x)": r"\frac{1}{2 x}",
    "3/4*x*exp(-x/2)": r"\frac{3}{4} x e^{-\frac{x}{2}}",
    "x/2*sin(x)": r"\frac{x \sin\left(x\right)}{2}",
    "0.5*x + 1.25": "0.5 x + 1.25",
    "x^(1/3)": "x^{1/3}",
    "x^(-2/3)": "x^{-2/3}",
    "cbrt(x+1)": r"\sqrt[3]{x + 1}",
    "sqrt(1-x^4)": r"\sqrt{1 - x^{4}}",
    "sin(x)^2": r"\sin^{2}\left(x\right)",
    "sin(x)^-1": r"\left(\sin\left(x\right)\right)^{-1}",
    "exp(x)^2": r"\left(e^{x}\right)^{2}",
    "(x^2)^3": r"\left(x^{2}\right)^{3}",
    "(-x)^2": r"\left(-x\right)^{2}",
    "(x+1)(x-1)": r"\left(x + 1\right) \left(x - 1\right)",
    "ln(x)*arctan(x)": r"\ln\left(x\right) \arctan\left(x\right)",
    "asinh(pi*x)": r"\operatorname{arsinh}\left(\pi x\right)",
    "exp(x + x + x + x + x + x + x + x + x*x*x*x*x*x)": r"\exp\left(x + x + x + x + x + x + x + x + x x x x x x\right)",
}
TRUSTED = {
    "sqrt(pi)*erf(x)/2": r"\frac{\sqrt{\pi} \operatorname{erf}\left(x\right)}{2}",
    "log(Abs(x))": r"\ln\left(\left|x\right|\right)",
    "Piecewise((x, x >= 1), (0, True))": (r"\begin{cases} x & \text{if } x\ge 1 \\ 0 & \text{otherwise} \end{cases}"),
    "RootSum(_t**2 + 1, Lambda(_t, log(x + _t)))": (r"\sum_{t: t^{2} + 1 = 0} \ln\left(x + t\right)"),
}


@pytest.mark.parametrize(("text", "latex"), LATEX.items())
def test_it_is_laid_out_as_written(text: str, latex: str) -> None:
    assert formula(text).latex == latex


@pytest.mark.parametrize(("text", "latex"), TRUSTED.items())
def test_answers_have_their_own_functions(text: str, latex: str) -> None:
    assert formula_trusted(text).latex == latex
    ElementTree.fromstring(formula_trusted(text).mathml)


def test_a_sum_stands_in_brackets_under_the_integral() -> None:
    assert formula("x + 1").integral().latex == r"\int \left(x + 1\right)\, dx"
    assert formula("x").integral().latex == r"\int x\, dx"
    assert formula("x").plus_constant().latex == "x + C"


def test_mathml_says_what_is_a_factor_and_what_an_argument() -> None:
    markup = formula("2*x*sin(x) - 1").mathml
    assert markup.startswith('<math display="block">')
    assert "<mn>2</mn><mo>&#x2062;</mo><mi>x</mi>" in markup  # invisible times
    assert "<mi>sin</mi><mo>&#x2061;</mo>" in markup  # function application
    assert "<mo>\u2212</mo><mn>1</mn>" in markup


@pytest.mark.parametrize("text", ["<script>", "x +", "", "x" * 20_000, "(" * 200, "x.__class__"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        formula(text)


def test_nothing_is_evaluated() -> None:
    assert formula("9^9^9^9").latex == "9^{9^{9^{9}}}"
    assert sympy_text("2x^2/ln(e)") == "2*x**2/log(E)"


WORDS = st.recursive(
    st.sampled_from([["x"], ["2"], ["pi"], ["int", "1", "2", "end"]]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["add", "sub", "mul", "div", "pow"]), inner, inner).map(
            lambda t: [t[0], *t[1], *t[2]]
        ),
        st.tuples(st.sampled_from(["neg", "inv", "sqrt", "exp", "log", "asin"]), inner).map(lambda t: [t[0], *t[1]]),
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(words=WORDS)
def test_every_expression_has_well_formed_mathml_and_balanced_latex(words: list[str]) -> None:
    try:
        text = to_text(from_prefix(words))
        parse(text)
    except ExpressionError:
        return
    written = formula(text)
    assert ElementTree.fromstring(written.integral().mathml).tag == "math"
    assert written.latex.count("{") == written.latex.count("}")
    assert written.latex.count(r"\left") == written.latex.count(r"\right")
    assert parse(sympy_text(text)) == parse(text)
