"""Properties over random expressions of both operator sets: text, words and canonical form lead back."""

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import (
    PREFIX_VOCABULARY,
    X,
    canonical,
    canonical_text,
    fingerprint,
    from_prefix,
    parse,
    prefix_words,
    skeleton,
    structure_hash,
    to_text,
)

INTCLASS = ("log", "exp", "sin", "cos", "tan", "sqrt", "asin", "acos", "atan")
LAMPLE_CHARTON = (*INTCLASS, "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "pow2", "pow3", "pow4", "pow5")
RECIPROCAL = ("cot", "sec", "csc", "acot", "asec", "acsc", "coth", "sech", "csch", "acoth", "asech", "acsch")

LEAVES = st.one_of(
    st.just("x"), st.just("x"), st.integers(1, 12).map(str), st.sampled_from(["pi", "e", "1/2", "0.3", "-1"])
)


def grown(unary: tuple[str, ...], binary: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Texts with every operand in brackets."""

    def grow(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        functions = st.tuples(st.sampled_from(unary), children).map(lambda drawn: applied(*drawn))
        pairs = st.tuples(children, st.sampled_from(binary), children).map(lambda drawn: "({})".format(" ".join(drawn)))
        return st.one_of(functions, pairs)

    return st.recursive(LEAVES.map("({})".format), grow, max_leaves=7)


def applied(name: str, argument: str) -> str:
    return f"({argument}^{name[3:]})" if name.startswith("pow") else f"{name}({argument})"


TEXTS = st.one_of(
    grown(INTCLASS, ("+", "-", "*", "/", "^")),
    grown(LAMPLE_CHARTON, ("+", "-", "*", "/")),
    grown(LAMPLE_CHARTON + RECIPROCAL, ("+", "-", "*", "/", "**")),
)


@st.composite
def expressions(draw: st.DrawFn) -> Any:
    text = draw(TEXTS)
    assume("x" in text.replace("exp", ""))
    try:
        return parse(text)
    except ExpressionError:  # junk that the limits and the checks are for: 1/(x - x), towers, logarithms of -1
        assume(False)


many = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@many
@given(expressions())
def test_text_reads_back_to_an_equal_expression(expr: Any) -> None:
    assert parse(to_text(expr)) == expr


@many
@given(expressions())
def test_canonical_text_is_a_fixed_point(expr: Any) -> None:
    text = canonical_text(expr)
    assert canonical_text(parse(text)) == text
    assert parse(text) == canonical(expr) == canonical(canonical(expr))
    assert fingerprint(parse(text)) == fingerprint(expr)


@many
@given(expressions())
def test_prefix_words_read_back_to_the_canonical_expression(expr: Any) -> None:
    form = canonical(expr)
    words = prefix_words(form)
    assert from_prefix(words) == form
    assert set(words) <= set(PREFIX_VOCABULARY)


@many
@given(expressions())
def test_keys_depend_on_the_canonical_form_alone(expr: Any) -> None:
    again = parse(canonical_text(expr))
    assert skeleton(again) == skeleton(expr)
    assert structure_hash(again) == structure_hash(expr)


@many
@given(st.lists(TEXTS, min_size=2, max_size=4), st.randoms(use_true_random=False), st.sampled_from(["+", "*"]))
def test_order_of_terms_and_factors_does_not_matter(parts: list[str], random: Any, sign: str) -> None:
    shuffled = parts.copy()
    random.shuffle(shuffled)
    try:
        first, second = (parse(sign.join(f"({part})" for part in order)) for order in (parts, shuffled))
    except ExpressionError:
        assume(False)
    assert canonical_text(first) == canonical_text(second)


PYTHON = {name: getattr(math, name) for name in LAMPLE_CHARTON if hasattr(math, name)} | {"pi": math.pi, "e": math.e}


@many
@given(st.one_of(grown(INTCLASS, ("+", "-", "*", "/", "^")), grown(LAMPLE_CHARTON, ("+", "-", "*", "/"))))
def test_value_is_what_python_says(text: str) -> None:
    """Where every step is real, finite and not badly conditioned."""
    try:
        expr = parse(text)
    except ExpressionError:
        assume(False)
    value, nearby = (python_value(text, point) for point in (0.737, 0.737 + 1e-7))
    assume(1e-6 < abs(value) < 1e6)
    assume(abs(nearby - value) < 1e-4 * abs(value))
    assert complex(expr.subs(X, 0.737).evalf(30)) == pytest.approx(value, rel=1e-5)


def python_value(text: str, point: float) -> float:
    """Not a number at a pole, or for a function of something that is not real."""
    try:
        value = eval(text.replace("^", "**"), {"__builtins__": {}}, PYTHON | {"x": point})
    except (ArithmeticError, TypeError, ValueError):
        return math.nan
    return float(value) if isinstance(value, int | float) else math.nan
