from __future__ import annotations

from typing import get_args

import pytest

from intclass.components.finetune.config import Schedule
from intclass.components.finetune.schedule import batch_tokens_in, learning_rate_share

SHARES = {
    "linear": [0, 0.5, 1, 0.5, 0],
    "cosine": [0, 0.5, 1, 0.5, 0],
    "wsd": [0, 0.5, 1, 1, 0],
    "one-cycle": [0.04, 0.28, 0.76, 0.61126, 0],
}


@pytest.mark.parametrize("kind", get_args(Schedule))
def test_the_learning_rate_rises_and_falls(kind: Schedule) -> None:
    shares = [learning_rate_share(kind, done, warmup_fraction=0.2) for done in (0.0, 0.1, 0.2, 0.6, 1.0)]
    assert shares == pytest.approx(SHARES[kind], abs=1e-4)


def test_one_cycle_has_its_peak_after_its_own_warm_up() -> None:
    assert learning_rate_share("one-cycle", 0.3, warmup_fraction=0.0) == 1


def test_wsd_falls_in_the_last_fifth() -> None:
    shares = [learning_rate_share("wsd", done, warmup_fraction=0.0) for done in (0.0, 0.8, 0.9)]
    assert shares == pytest.approx([1, 1, 0.5])


def test_without_warm_up_training_begins_at_the_peak() -> None:
    assert learning_rate_share("linear", 0.0, warmup_fraction=0.0) == 1


def test_batches_grow_by_equal_factors() -> None:
    assert [batch_tokens_in(epoch, first=100, growth=4.0, epochs=3) for epoch in (1, 2, 3)] == [100, 200, 400]
    assert batch_tokens_in(1, first=100, growth=4.0, epochs=1) == 100
    assert batch_tokens_in(3, first=100, growth=0.25, epochs=3) == 25
