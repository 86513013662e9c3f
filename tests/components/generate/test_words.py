from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from intclass.components.generate._words import BLOCK_LENGTH, Word, draw_families, draw_sizes, draw_words
from intclass.components.shared.grammar import BINARY_OPERATORS, UNARY_OPERATORS, Grammar, UniformIntegers, load

Fits = Callable[[Sequence[int], Sequence[float]], bool]


def drawn(grammar: Grammar, *, blocks: int, nodes: tuple[int, int] = (10, 10), seed: int = 0) -> list[list[Word]]:
    return [
        words
        for block in range(blocks)
        for words in draw_words(seed, block, 0, sizes=draw_sizes(seed, block, internal_nodes=nodes), grammar=grammar)
    ]


@pytest.mark.parametrize("name", ["intclass", "lample-charton"])
def test_operators_are_drawn_by_their_weights(name: str, fits: Fits) -> None:
    grammar = load(name)
    counts = Counter(word for words in drawn(grammar, blocks=40) for word in words)
    for weights in (grammar.unary, grammar.binary):
        assert fits([counts[operator] for operator in weights], list(weights.values()))


@pytest.mark.parametrize(("name", "share"), [("intclass", 0.5), ("lample-charton", 0.75)])
def test_leaves_are_drawn_by_their_weights(name: str, share: float, fits: Fits) -> None:
    leaves = Counter(
        word == "x" for words in drawn(load(name), blocks=20) for word in words if word == "x" or isinstance(word, int)
    )
    assert fits([leaves[True], leaves[False]], [share, 1 - share])


def test_integers_follow_their_law(fits: Fits) -> None:
    uniform = Counter(word for words in drawn(load("lample-charton"), blocks=20) for word in words if type(word) is int)
    assert sorted(uniform) == [1, 2, 3, 4, 5]
    assert fits([uniform[n] for n in range(1, 6)], [1] * 5)
    geometric = Counter(word for words in drawn(load("intclass"), blocks=20) for word in words if type(word) is int)
    ratio = 0.36787944  # int(1 - ln U) for a uniform U
    assert fits([geometric[n] for n in range(1, 6)], [ratio**n for n in range(5)])


def test_integers_may_be_negative() -> None:
    grammar = Grammar(name="g", unary={"sin": 1}, leaves={"x": 1, "integer": 1}, integers=UniformIntegers(-2, 0))
    assert {word for words in drawn(grammar, blocks=1) for word in words} == {"sin", "x", -2, -1, 0}


def test_sizes_are_uniform_over_the_range(fits: Fits) -> None:
    sizes = Counter(size for block in range(40) for size in draw_sizes(7, block, internal_nodes=(3, 6)).tolist())
    assert sorted(sizes) == [3, 4, 5, 6]
    assert fits(list(sizes.values()), [1] * 4)


def test_words_are_trees_of_the_drawn_size() -> None:
    sizes = draw_sizes(0, 0, internal_nodes=(1, 12))
    for size, words in zip(sizes, draw_words(0, 0, 0, sizes=sizes, grammar=load("intclass")), strict=True):
        assert len([word for word in words if word in UNARY_OPERATORS + BINARY_OPERATORS]) == size


def test_a_draw_depends_on_seed_block_and_attempt() -> None:
    grammar = load("intclass")
    sizes = draw_sizes(0, 0, internal_nodes=(10, 10))
    first = draw_words(0, 0, 0, sizes=sizes, grammar=grammar)
    assert draw_words(0, 0, 0, sizes=sizes, grammar=grammar) == first
    assert len(first) == BLOCK_LENGTH
    for seed, block, attempt in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (2**63, 0, 0)]:
        other = draw_words(seed, block, attempt, sizes=sizes, grammar=grammar)
        assert sum(a == b for a, b in zip(first, other, strict=True)) <= 1


def test_families_are_drawn_by_weight_in_whatever_order_they_are_written(fits: Callable[..., bool]) -> None:
    weights = {"parts": 1.0, "backward": 2.0}
    families = [family for block in range(20) for family in draw_families(3, block, weights)]
    assert families[:BLOCK_LENGTH] == draw_families(3, 0, {"backward": 2.0, "parts": 1.0})
    assert fits([families.count("backward"), families.count("parts")], [2, 1])
