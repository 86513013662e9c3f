"""Exactly uniform unary-binary trees with n internal nodes, many at a time.

Among trees with n internal nodes of which b have two children there are n + b + 1 nodes and C(n + b, 2 b) Cat(b) trees;
over all b these are the large Schroeder numbers 1, 2, 6, 22, 90, 394. So b is drawn by those exact weights. A tree is
then its word of arities in prefix order, and by the cycle lemma (Dvoretzky and Motzkin 1947; Raney 1960) exactly one
rotation of any shuffled multiset of arities is such a word: the one that starts after the first minimum of the prefix
sums of arity - 1. It is the law of Lample and Charton (2020, appendix C), whose recurrence D(e, n) needs a step for
each node.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate
from math import comb

import numpy as np
import numpy.typing as npt

UNARY = 1
BINARY = 2
PADDING = -1


@cache
def count_shapes(n: int, b: int) -> int:
    """The number of unary-binary trees with n internal nodes of which b are binary."""
    return comb(n + b, 2 * b) * comb(2 * b, b) // (b + 1)


def draw_shapes(
    sizes: Sequence[int], rng: np.random.Generator, *, arities: Iterable[int] = (UNARY, BINARY)
) -> npt.NDArray[np.int8]:
    """One uniform tree for each size, as words of arities in prefix order.

    Args:
        sizes: internal nodes of each tree, at least 1.
        rng: the only source of chance.
        arities: UNARY, BINARY or both; with one of them, trees have internal nodes of that kind only.

    Returns:
        Words of shape (len(sizes), 2 * max(sizes) + 1): 0 for a leaf, 1, 2, and PADDING after a tree's end.
    """
    internal = np.asarray(sizes)
    binary = np.empty_like(internal)
    for n in np.unique(internal).tolist():
        rows = np.flatnonzero(internal == n)
        binary[rows] = _draw_binary_nodes(n, len(rows), rng, frozenset(arities))
    lengths = internal + binary + 1
    place = np.arange(2 * int(internal.max()) + 1)
    row = np.select([place < binary[:, None], place < internal[:, None]], [BINARY, UNARY], default=0)
    shuffled = _shuffle(row.astype(np.int8), lengths, rng)
    return _rotate_to_prefix(shuffled, lengths)


def _draw_binary_nodes(n: int, trees: int, rng: np.random.Generator, arities: frozenset[int]) -> list[int]:
    if arities == {UNARY}:
        return [0] * trees
    if arities == {BINARY}:
        return [n] * trees
    cumulative = list(accumulate(count_shapes(n, b) for b in range(n + 1)))
    return [bisect_right(cumulative, value) for value in _draw_below(cumulative[-1], trees, rng)]


def _draw_below(limit: int, count: int, rng: np.random.Generator) -> list[int]:
    """Uniform integers from 0 to limit - 1, however large: refusing what is too large keeps them exact."""
    bits = limit.bit_length()
    size = -(-bits // 8)
    values: list[int] = []
    while len(values) < count:
        data = rng.bytes(size * (count - len(values)))
        drawn = (int.from_bytes(data[i : i + size], "big") >> (8 * size - bits) for i in range(0, len(data), size))
        values.extend(value for value in drawn if value < limit)
    return values


def _shuffle(
    rows: npt.NDArray[np.int8], lengths: npt.NDArray[np.int_], rng: np.random.Generator
) -> npt.NDArray[np.int8]:
    """Each row's first `length` entries in random order, the rest replaced by padding."""
    keys = rng.random(rows.shape)
    outside = np.arange(rows.shape[1]) >= lengths[:, None]
    keys[outside] = 1.0  # above every key that is drawn
    shuffled = np.take_along_axis(rows, np.argsort(keys, axis=1, kind="stable"), axis=1)
    shuffled[outside] = PADDING
    return shuffled


def _rotate_to_prefix(rows: npt.NDArray[np.int8], lengths: npt.NDArray[np.int_]) -> npt.NDArray[np.int8]:
    """The one rotation of each row that is a tree's word."""
    # A row sums to -1 at its end, where its minimum lies at or before; padding must not go lower.
    steps = np.where(rows == PADDING, 1, rows.astype(np.int32) - 1)
    start = np.argmin(np.cumsum(steps, axis=1), axis=1) + 1
    place = np.arange(rows.shape[1])
    rotated = np.where(place < lengths[:, None], (place + start[:, None]) % lengths[:, None], place)
    return np.take_along_axis(rows, rotated, axis=1)
