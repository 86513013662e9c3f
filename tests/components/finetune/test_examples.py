from __future__ import annotations

from pathlib import Path

from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.compute import choose_compute
from intclass.components.finetune.job import prepare


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
