from __future__ import annotations

from pathlib import Path

import numpy as np

from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.compute import choose_compute
from intclass.components.finetune.examples import subset
from intclass.components.finetune.job import prepare


def test_a_smaller_part_of_the_examples_lies_in_a_larger_one() -> None:
    small, large = subset(1000, 10), subset(1000, 50)
    assert set(small) < set(large)
    assert (np.diff(large) > 0).all()
    assert subset(20, 50).tolist() == list(range(20))


def test_trainings_with_several_seeds_learn_from_the_same_part(dataset: Path) -> None:
    compute = choose_compute("cpu", "float32")
    first, second = (
        prepare(dataset, FinetuneConfig(train_examples=100, validation_examples=20, seed=seed), compute=compute)
        for seed in (0, 1)
    )
    assert first.counts["train_examples"] == len(first.splits[0]) == 100
    assert first.counts["validation_examples"] == len(first.splits[1]) == 20
    assert first.splits[0].texts == second.splits[0].texts
    assert 0 < first.splits[0].labels.sum() < 100
