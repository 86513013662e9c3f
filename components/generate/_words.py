"""Prefix words: uniform shapes filled with a grammar's operators and leaves, in blocks that depend on nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from intclass.components.generate import _shapes
from intclass.components.shared.grammar import GeometricIntegers, Grammar, UniformIntegers

# The block is a part of what a sample means: another length gives other samples.
BLOCK_LENGTH: Final = 128

Word = str | int
"""An operator's name, `x`, or an integer."""


def draw_sizes(seed: int, block: int, *, internal_nodes: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Internal nodes of the block's samples, shape (BLOCK_LENGTH,), uniform over the range with both ends."""
    return stream(seed, block, 0).integers(internal_nodes[0], internal_nodes[1] + 1, size=BLOCK_LENGTH)


def draw_families(seed: int, block: int, weights: Mapping[str, float]) -> list[str]:
    """The family of each of the block's samples, by weight."""
    in_order = dict(sorted(weights.items()))  # however they were written down
    names: list[str] = choose(in_order, (BLOCK_LENGTH,), stream(seed, block, 0, 0)).tolist()
    return names


def draw_classes(seed: int, block: int) -> list[bool]:
    """Whether each of the block's samples is to be elementary where its family has both classes; equally likely."""
    classes: list[bool] = (stream(seed, block, 0, 1).integers(0, 2, size=BLOCK_LENGTH) == 1).tolist()
    return classes


def draw_words(
    seed: int, block: int, attempt: int, *, sizes: npt.NDArray[np.int64], grammar: Grammar
) -> list[list[Word]]:
    """The block's samples as prefix words, drawn anew for each attempt 0, 1, 2, ...

    A sample that is refused takes its words from the next attempt at the same place, so it never depends on which
    others were refused.
    """
    return fill(sizes.tolist(), grammar, stream(seed, block, 1 + attempt))


def fill(sizes: Sequence[int], grammar: Grammar, rng: np.random.Generator) -> list[list[Word]]:
    """One uniform tree for each number of internal nodes, at least 1, filled from the grammar, as prefix words."""
    arities = [arity for arity, weights in ((1, grammar.unary), (2, grammar.binary)) if weights]
    shapes = _shapes.draw_shapes(sizes, rng, arities=arities)
    filled = np.select(
        [shapes == _shapes.BINARY, shapes == _shapes.UNARY],
        [choose(grammar.binary, shapes.shape, rng), choose(grammar.unary, shapes.shape, rng)],
        default=_draw_leaves(grammar, shapes.shape, rng),
    )
    lengths = np.count_nonzero(shapes != _shapes.PADDING, axis=1)
    return [row[:length] for row, length in zip(filled.tolist(), lengths.tolist(), strict=True)]


def _draw_leaves(grammar: Grammar, shape: tuple[int, ...], rng: np.random.Generator) -> npt.NDArray[Any]:
    leaves = choose(grammar.leaves, shape, rng)
    return np.where(leaves == "x", leaves, draw_integers(grammar.integers, shape, rng).astype(object))


def draw_integers(
    law: UniformIntegers | GeometricIntegers, shape: tuple[int, ...], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Integers after the law, of that shape."""
    if isinstance(law, UniformIntegers):
        return rng.integers(law.low, law.high + 1, size=shape)
    return rng.geometric(law.p, size=shape)


def choose(weights: Mapping[str, float], shape: Sequence[int], rng: np.random.Generator) -> npt.NDArray[Any]:
    """Names by weight, as objects; draws nothing where there is nothing to choose."""
    if not weights:
        return np.full(shape, "", dtype=object)
    cumulative = np.cumsum(list(weights.values()))
    drawn = np.searchsorted(cumulative, rng.random(shape) * cumulative[-1], side="right")
    names: npt.NDArray[np.object_] = np.array(list(weights), dtype=object)
    chosen: npt.NDArray[np.object_] = names[drawn.clip(max=len(weights) - 1)]  # a draw may round up to the last sum
    return chosen


def stream(seed: int, *key: int) -> np.random.Generator:
    """The random numbers of one purpose: `(block, number)` for a block's, `(block, number, place)` for one sample's."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
