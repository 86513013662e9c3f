from __future__ import annotations

from pathlib import Path

import pytest

from intclass.components.finetune.linear import FEATURES, LinearOptions, NgramReader, train_linear


def test_ngrams_are_read_alike_everywhere() -> None:
    ids = NgramReader()(["mul x exp", "mul x x x"]).ids
    assert ids[0] == NgramReader()(["mul x exp"]).ids[0]
    assert [len(each) for each in ids] == [1 + 6, 1 + 2 + 2 + 2]  # number 0; then each different n-gram once
    assert all(0 <= feature < FEATURES for each in ids for feature in each)


def test_the_rule_is_learnt(dataset: Path) -> None:
    fit, log = train_linear(dataset, LinearOptions(epochs=5), workers=1)
    assert fit.best.scores.accuracy > 0.8
    assert len(log.measured) == fit.epochs == 5


@pytest.mark.slow  # workers load torch and transformers anew
def test_lock_free_workers_learn_it_too(dataset: Path) -> None:
    fit, _ = train_linear(dataset, LinearOptions(epochs=5), workers=2)
    assert fit.best.scores.accuracy > 0.8
    assert fit.samples == 5 * 360
