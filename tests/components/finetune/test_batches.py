from __future__ import annotations

import numpy as np
import pytest
import torch

from intclass.components.finetune.batches import pad, token_batches

LENGTHS = [int(length) for length in np.random.default_rng(0).integers(3, 60, size=500)]


@pytest.mark.parametrize("seed", [None, 0])
def test_every_input_once_and_no_batch_over_the_budget(seed: int | None) -> None:
    rng = None if seed is None else np.random.default_rng(seed)
    batches = token_batches(LENGTHS, budget=256, rng=rng)
    assert sorted(np.concatenate(batches)) == list(range(500))
    assert all(len(batch) * max(LENGTHS[index] for index in batch) <= 256 for batch in batches)


def test_a_batch_holds_inputs_of_similar_length() -> None:
    batches = token_batches(LENGTHS, budget=256, rng=np.random.default_rng(0))
    padded = sum(len(batch) * max(LENGTHS[index] for index in batch) for batch in batches)
    assert padded < 1.1 * sum(LENGTHS)


def test_the_order_depends_on_the_generator_alone() -> None:
    def order(seed: int) -> list[int]:
        return [
            int(index) for index in np.concatenate(token_batches(LENGTHS, budget=256, rng=np.random.default_rng(seed)))
        ]

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_an_input_over_the_budget_is_a_batch_of_its_own() -> None:
    assert [list(batch) for batch in token_batches([9, 4, 4, 4], budget=8)] == [[1, 2], [3], [0]]


def test_nothing_makes_no_batches() -> None:
    assert token_batches([], budget=8) == []


def test_padding_is_masked() -> None:
    tokens, mask = pad([[5, 6, 7], [8]], pad_id=1)
    assert torch.equal(tokens, torch.tensor([[5, 6, 7], [8, 1, 1]]))
    assert torch.equal(mask, torch.tensor([[1, 1, 1], [1, 0, 0]]))
