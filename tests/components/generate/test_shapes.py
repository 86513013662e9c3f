from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from intclass.components.generate._shapes import BINARY, PADDING, UNARY, count_shapes, draw_shapes

SCHROEDER = {1: 2, 2: 6, 3: 22, 4: 90, 5: 394, 6: 1806, 7: 8558, 8: 41586}
Fits = Callable[[Sequence[int], Sequence[float]], bool]


@cache
def lample_charton_count(e: int, n: int) -> int:
    """D(e, n) of Lample and Charton (2020), appendix C: ways to put n internal nodes below e empty ones."""
    if e == 0:
        return 0
    if n == 0:
        return 1
    return sum(lample_charton_count(*smaller) for smaller in ((e - 1, n), (e, n - 1), (e + 1, n - 1)))


def lample_charton_shape(n: int, rng: np.random.Generator) -> tuple[int, ...]:
    """A tree by their sampler: again and again, the next internal node's place among e empty ones, and its arity."""
    word: list[int] = []
    e = 1
    while n:
        choices = [(k, arity) for k in range(e) for arity in (UNARY, BINARY)]
        weights = [lample_charton_count(e - k - 1 + arity, n - 1) for k, arity in choices]
        assert sum(weights) == lample_charton_count(e, n)
        k, arity = choices[rng.choice(len(choices), p=np.array(weights) / sum(weights))]
        word += [0] * k + [arity]
        e, n = e - k - 1 + arity, n - 1
    return (*word, *[0] * e)


def words(shapes: npt.NDArray[np.int8]) -> list[tuple[int, ...]]:
    return [tuple(row[row != PADDING].tolist()) for row in shapes]


def draw(n: int, trees: int, *, seed: int = 0) -> list[tuple[int, ...]]:
    return words(draw_shapes([n] * trees, np.random.default_rng(seed)))


def is_tree(word: tuple[int, ...]) -> bool:
    """Whether the word is one tree: some node is missing until the last is read."""
    missing = 1
    for arity in word:
        if missing == 0:
            return False
        missing += arity - 1
    return missing == 0


@pytest.mark.parametrize(("n", "number"), SCHROEDER.items())
def test_counts_are_the_large_schroeder_numbers(n: int, number: int) -> None:
    assert sum(count_shapes(n, b) for b in range(n + 1)) == number
    assert lample_charton_count(1, n) == number


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_shapes_are_uniform(n: int, fits: Fits) -> None:
    counts = Counter(draw(n, 200 * SCHROEDER[n], seed=n))
    assert len(counts) == SCHROEDER[n]
    assert fits(list(counts.values()), [1] * SCHROEDER[n])


@pytest.mark.parametrize("n", [2, 3, 4])
def test_shapes_agree_with_lample_and_chartons_sampler(n: int, p_value: Callable[[float, int], float]) -> None:
    rng = np.random.default_rng(1)
    ours, theirs = Counter(draw(n, 40_000)), Counter(lample_charton_shape(n, rng) for _ in range(10_000))
    statistic = sum((ours[word] / 2 - 2 * theirs[word]) ** 2 / (ours[word] + theirs[word]) for word in ours | theirs)
    assert len(ours | theirs) == SCHROEDER[n]
    assert p_value(statistic, SCHROEDER[n] - 1) > 1e-3


@pytest.mark.parametrize(("n", "mean"), [(5, 3.272), (10, 6.803), (15, 10.337)])
def test_the_mean_number_of_binary_nodes(n: int, mean: float) -> None:
    drawn = [word.count(BINARY) for word in draw(n, 40_000)]
    assert np.mean(drawn) == pytest.approx(mean, abs=4 * float(np.std(drawn)) / 200)


@pytest.mark.parametrize("n", [1, 7, 50])
def test_every_word_is_a_tree_of_its_size(n: int) -> None:
    for word in draw(n, 300):
        assert is_tree(word)
        assert len(word) - word.count(0) == n


def test_sizes_may_differ_within_a_batch() -> None:
    sizes = [3, 1, 50, 2, 50, 1]
    shapes = draw_shapes(sizes, np.random.default_rng(0))
    assert shapes.shape == (6, 101)
    assert [len(word) - word.count(0) for word in words(shapes)] == sizes
    assert all(is_tree(word) for word in words(shapes))


def test_a_batch_of_many_sizes_is_as_uniform_as_one_of_one(fits: Fits) -> None:
    drawn = words(draw_shapes([2, 9] * 6_000, np.random.default_rng(4)))
    assert fits(list(Counter(drawn[::2]).values()), [1] * SCHROEDER[2])


def test_one_kind_of_node_alone(fits: Fits) -> None:
    chain = draw_shapes([4] * 20, np.random.default_rng(0), arities=[UNARY])
    assert set(words(chain)) == {(1, 1, 1, 1, 0)}
    binary = Counter(words(draw_shapes([4] * 4_000, np.random.default_rng(0), arities=[BINARY])))
    assert len(binary) == 14  # the Catalan number
    assert fits(list(binary.values()), [1] * 14)
