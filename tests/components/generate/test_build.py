from __future__ import annotations

import cmath
from collections.abc import Callable, Sequence
from typing import Any

import mpmath
import pytest
from sympy import lambdify, symbols

from intclass.components.generate import _words
from intclass.components.generate._build import build
from intclass.components.generate._constants import Junk, RefusedError
from intclass.components.generate._screen import screen
from intclass.components.generate._words import Word
from intclass.components.shared.expressions import canonical, to_text
from intclass.components.shared.grammar import BINARY_OPERATORS, UNARY_OPERATORS, load

POINT = 0.6 + 0.3j  # away from the branch cuts, which lie on the axes
UNARY: dict[str, Callable[[Any], Any]] = {
    "neg": lambda z: -z,
    "inv": lambda z: 1 / z,
    **{f"pow{n}": lambda z, n=n: z**n for n in (2, 3, 4, 5)},  # type: ignore[misc]
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
}


def read(text: str) -> list[Word]:
    return [int(word) if word.lstrip("-").isdigit() else word for word in text.split()]


def value(words: Sequence[Word]) -> Any:
    """What the words mean at POINT, worked out without SymPy."""
    stack: list[Any] = []
    for word in reversed(words):
        if isinstance(word, int):
            stack.append(mpmath.mpc(word))
        elif word == "x":
            stack.append(mpmath.mpc(POINT))
        elif word in BINARY:
            stack.append(BINARY[word](stack.pop(), stack.pop()))
        else:
            call = UNARY.get(word) or getattr(mpmath, word)
            stack.append(call(stack.pop()))
    return stack[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", "x"),
        ("sub x 2", "x - 2"),
        ("add x -12", "x - 12"),
        ("div sin x mul 2 x", "sin(x)/(2*x)"),
        ("neg pow3 x", "-x**3"),
        ("inv sqrt x", "1/sqrt(x)"),
        ("exp log x", "x"),
        ("mul x mul x x", "x**3"),
        ("sub x sub x x", "x"),
    ],
)
def test_words_become_canonical_expressions(text: str, expected: str) -> None:
    expr = build(read(text))
    assert to_text(expr) == expected
    assert canonical(expr) == expr


@pytest.mark.parametrize("operator", UNARY_OPERATORS + BINARY_OPERATORS)
def test_every_operator_of_grammars_means_itself(operator: str) -> None:
    words: list[Word] = [operator, "x", 3] if operator in BINARY_OPERATORS else [operator, "x"]
    built = complex(build(words).subs(symbols("x"), POINT).evalf())
    assert cmath.isclose(built, complex(value(words)), rel_tol=1e-12)


@pytest.mark.parametrize("name", ["intclass", "lample-charton"])
def test_what_is_built_equals_what_was_drawn(name: str) -> None:
    sizes = _words.draw_sizes(3, 0, internal_nodes=(2, 10))
    compared = 0
    for words in _words.draw_words(3, 0, 0, sizes=sizes, grammar=load(name)):
        try:
            screen(words)
            expr = build(words)
        except RefusedError:
            continue
        built = complex(lambdify(symbols("x"), expr, "mpmath")(mpmath.mpc(POINT)))
        drawn = complex(value(words))
        if not cmath.isfinite(drawn) or abs(drawn) > 1e6:
            continue
        assert cmath.isclose(built, drawn, rel_tol=1e-6, abs_tol=1e-9), (words, expr)
        compared += 1
    assert compared > 60


@pytest.mark.parametrize(
    ("text", "junk"),
    [
        ("sub x x", Junk.CONSTANT),
        ("mul 0 x", Junk.CONSTANT),
        ("pow 1 x", Junk.CONSTANT),
        ("add 2 div x x", Junk.CONSTANT),
        ("div 1 sub x x", Junk.UNBUILT),
        ("log sub x x", Junk.INFINITE),
        ("mul x asin add 2 div x x", Junk.COMPLEX),
        ("mul x log sub div x x 3", Junk.COMPLEX),
        ("mul x sqrt sub div x x 3", Junk.COMPLEX),
        ("pow sub sub x x 2 x", Junk.COMPLEX),
        ("mul x pow add 9 div x x add 9 div x x", Junk.HUGE),
        ("pow5 pow4 mul 5 x", Junk.HUGE),
        ("pow5 pow5 pow5 x", Junk.UNBUILT),
    ],
)
def test_junk_that_shows_only_when_built(text: str, junk: Junk) -> None:
    with pytest.raises(RefusedError) as caught:
        build(read(text))
    assert caught.value.junk == junk
