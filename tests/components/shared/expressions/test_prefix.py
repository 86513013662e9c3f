"""Prefix words: short, closed, and back again."""

from typing import Any

import pytest
from sympy import E, Integer, Rational, Symbol, asinh, cos, exp, log, pi, sin, sqrt, tan

from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import (
    PREFIX_ARITY,
    PREFIX_VOCABULARY,
    Limits,
    X,
    from_prefix,
    parse,
    prefix_words,
)
from intclass.components.shared.grammar import UNARY_OPERATORS

WORDS = {
    X: "x",
    Integer(0): "0",
    Integer(7): "7",
    Integer(12): "int 1 2 end",
    Integer(-3): "neg 3",
    Rational(1, 2): "inv 2",
    Rational(3, 2): "div 3 2",
    Rational(-3, 20): "neg div 3 int 2 0 end",
    pi + E: "add E pi",
    X + 1: "add 1 x",
    X - 1: "sub x 1",
    -X - 1: "sub neg 1 x",
    -X: "neg x",
    -2 * X: "neg mul 2 x",
    X / 2: "div x 2",
    -3 * X / 2: "neg div mul 3 x 2",
    1 / X: "inv x",
    2 / X: "div 2 x",
    X / sin(X): "div x sin x",
    X**2: "pow x 2",
    X**-2: "inv pow x 2",
    sqrt(X): "sqrt x",
    1 / sqrt(X): "inv sqrt x",
    X ** Rational(3, 2): "pow x div 3 2",
    X**-X: "pow x neg x",
    exp(-X): "exp neg x",
    exp(2): "exp 2",
    X * sin(X) * log(X): "mul x mul log x sin x",
    (-exp(X) - 1) / X: "div sub neg 1 exp x x",
    3 ** (3 * X): "pow 3 mul 3 x",
    X**2 * exp(X) - 3 * X + 12: "sub add int 1 2 end mul pow x 2 exp x mul 3 x",
    tan(X) / 2 / (X + 1) / cos(X): "div tan x mul 2 mul add 1 x cos x",
    asinh(X): "asinh x",
}


@pytest.mark.parametrize(("expr", "words"), WORDS.items(), ids=str)
def test_words(expr: Any, words: str) -> None:
    assert prefix_words(expr) == words.split()
    assert from_prefix(words.split()) == expr


def test_the_vocabulary_is_small_closed_and_without_doubles() -> None:
    assert len(PREFIX_VOCABULARY) == len(set(PREFIX_VOCABULARY)) == 49
    assert set(PREFIX_ARITY) | set("0123456789") | {"int", "end"} == set(PREFIX_VOCABULARY)
    powers = {"pow2", "pow3", "pow4", "pow5"}
    assert set(UNARY_OPERATORS) - powers <= set(PREFIX_VOCABULARY)


def test_every_word_is_used() -> None:
    functions = [word for word in PREFIX_VOCABULARY if PREFIX_ARITY.get(word) == 1 and word not in ("neg", "inv")]
    text = "+".join(f"{name}(x)" for name in functions)
    used = set(prefix_words(parse(f"{text} - x/2 + 3456789/10 + x**x*E*pi - 1/x"))) | set(prefix_words(-1 / X))
    assert used == set(PREFIX_VOCABULARY)


@pytest.mark.parametrize(
    ("words", "message", "position"),
    [
        ("", "no words", None),
        ("x x", "2 expressions instead of one", None),
        ("add x", "'add' lacks an argument", 0),
        ("mul 2 add x", "'add' lacks an argument", 2),
        ("foo x", "unknown word 'foo'", 0),
        ("int 1 2", "unknown word 'int'", 0),
        ("1 2 end", "'end' without 'int'", 2),
        ("int end", "'end' without 'int'", 1),
        ("div 1 0", "division by zero", 2),
        ("[UNK]", "unknown word '[UNK]'", 0),
    ],
)
def test_words_that_are_no_expression(words: str, message: str, position: int | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        from_prefix(words.split())
    assert message in str(caught.value)
    assert caught.value.position == position


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ("x " * 30, "length"),
        ("sin " * 12 + "x", "depth"),
        ("pow x int 3 0 end", "exponent"),
        ("int " + "9 " * 12 + "end", "digits"),
        ("exp exp 9", "digits"),
    ],
)
def test_words_are_held_to_limits(words: str, limit: str) -> None:
    with pytest.raises(ExpressionError, match=rf"\({limit}\)"):
        from_prefix(words.split(), limits=Limits(length=25, depth=10, exponent=20, digits=10))


def test_a_long_chain_is_one_level() -> None:
    words = "add x " * 500 + "x"
    assert from_prefix(words.split(), limits=Limits(depth=3)) == 501 * X


@pytest.mark.parametrize("expr", [Symbol("y"), Symbol("x", real=True), X + Symbol("y"), pi * Symbol("E")])
def test_only_x_has_a_word(expr: Any) -> None:
    with pytest.raises(ExpressionError, match="variable"):
        prefix_words(expr)
