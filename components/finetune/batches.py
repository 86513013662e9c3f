"""Batches with a budget of tokens, of inputs of similar length, so that little is spent on padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

BUCKET_BATCHES: Final = 32  # inputs are sorted by length within so many batches' worth, not over the whole epoch

Ints = npt.NDArray[np.int64]


def token_batches(lengths: Sequence[int], *, budget: int, rng: np.random.Generator | None = None) -> list[Ints]:
    """Indices into `lengths`, each once, in batches of at most `budget` tokens, padding included.

    An input over the budget is a batch of its own. With `rng` the order is drawn from it, both of the inputs and of the
    batches; without, the batches come in rising length.
    """
    sizes = np.asarray(lengths, dtype=np.int64)
    if len(sizes) == 0:
        return []
    if rng is None:
        return _cut(np.argsort(sizes, kind="stable"), sizes, budget)
    order = rng.permutation(len(sizes))
    bucket = max(1, int(BUCKET_BATCHES * budget / sizes.mean()))
    batches: list[Ints] = []
    for start in range(0, len(order), bucket):
        part = order[start : start + bucket]
        batches += _cut(part[np.argsort(sizes[part], kind="stable")], sizes, budget)
    return [batches[place] for place in rng.permutation(len(batches))]


def _cut(order: Ints, sizes: Ints, budget: int) -> list[Ints]:
    """Cut an order of rising length where the next input would exceed the budget."""
    starts = [0]
    for place, index in enumerate(order):
        if place > starts[-1] and (place - starts[-1] + 1) * sizes[index] > budget:
            starts.append(place)
    return np.split(order, starts[1:])


def pad(ids: Sequence[Sequence[int]], *, pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, both (batch, longest), int64, padded at the end."""
    shape = (len(ids), max(len(row) for row in ids))
    tokens = np.full(shape, pad_id, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    for place, row in enumerate(ids):
        tokens[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return torch.from_numpy(tokens), torch.from_numpy(mask)
