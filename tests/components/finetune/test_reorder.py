from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from intclass.components.finetune.reorder import reorder
from intclass.components.shared.expressions import canonical, from_prefix, parse, prefix_words

TEXTS = [
    "x",
    "12*x + 345",
    "x*exp(x**2)*sin(x) - 3*x/17 + 2 + log(x)",
    "(x + 1)*(x + 2)*(x + sin(x) + pi)",
    "(x*tan(x) + 1)**(x*cos(x)*E)",
    "1/(x**10*sin(x)) - x - exp(x)",
]


@pytest.mark.parametrize("text", TEXTS)
def test_the_expression_stays_the_same(text: str) -> None:
    expr = canonical(parse(text))
    words = prefix_words(expr)
    rng = np.random.default_rng(0)
    for _ in range(20):
        other = reorder(words, rng)
        assert Counter(other) == Counter(words)
        assert canonical(from_prefix(other)) == expr


def test_every_order_of_a_chain_is_as_likely() -> None:
    rng, words = np.random.default_rng(0), ["add", "x", "add", "sin", "x", "int", "1", "2", "end"]
    found = Counter(" ".join(reorder(words, rng)) for _ in range(1200))
    assert len(found) == 6
    assert min(found.values()) > 140
    assert "add int 1 2 end add sin x x" in found


def test_sides_of_differences_and_powers_are_not_exchanged() -> None:
    rng = np.random.default_rng(0)
    for text in ("sub x 1", "div 1 x", "pow x 2"):
        assert {" ".join(reorder(text.split(), rng)) for _ in range(20)} == {text}


def test_a_product_in_a_sum_is_a_chain_of_its_own() -> None:
    rng = np.random.default_rng(1)
    found = {" ".join(reorder(["add", "mul", "x", "E", "pi"], rng)) for _ in range(60)}
    assert found == {"add mul x E pi", "add mul E x pi", "add pi mul x E", "add pi mul E x"}


def test_thousands_of_arguments_are_no_trouble() -> None:
    words = ["add", "x"] * 5000 + ["x"]
    assert reorder(words, np.random.default_rng(0)) == words
