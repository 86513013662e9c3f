from __future__ import annotations

import numpy as np
import pytest
import torch

from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.compute import Compute, reproducible
from intclass.components.finetune.examples import Split, TrainSplit
from intclass.components.finetune.inference import predict_logits
from intclass.components.finetune.learner import Learner, Recipe
from intclass.components.finetune.log import TrainingLog
from intclass.components.finetune.loop import Fit, Plan, Training
from intclass.components.finetune.metrics import score
from intclass.components.finetune.model import make_encoder
from intclass.components.finetune.parallel.ddp import Ddp
from intclass.components.finetune.parallel.group import Group
from intclass.components.finetune.tokenizer import TextReader, prefix_tokenizer
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.expressions import PREFIX_VOCABULARY

CPU = Compute(device=torch.device("cpu"))
PLAN = Plan(epochs=12, patience=2, batch_tokens=128, seed=0, pad_id=0)


def random_split(count: int, seed: int) -> TrainSplit:
    """Inputs whose labels have nothing to do with them, so that learning them can only be overfitting."""
    rng = np.random.default_rng(seed)
    return TrainSplit(
        texts=[" ".join(rng.choice(PREFIX_VOCABULARY, size=rng.integers(3, 9))) for _ in range(count)],
        labels=rng.integers(0, 2, size=count),
        reader=TextReader(prefix_tokenizer(16), max_length=16),
        reordered=False,
        seed=seed,
    )


def fit(learning_rate: float, log: TrainingLog) -> tuple[Fit, Learner, Split]:
    config = FinetuneConfig(hidden_size=16, num_layers=1, num_heads=2, dropout=0.0)
    recipe = Recipe(learning_rate=learning_rate, warmup_fraction=0.0, weight_decay=0.0, label_smoothing=0.0)
    validation = random_split(60, seed=1).epoch(0)
    with reproducible(0):
        learner = Learner(make_encoder(config, target="elementary").model, recipe, CPU)
        strategy = Ddp(learner, Group(), seed=0, batch_tokens=PLAN.batch_tokens, pad_id=PLAN.pad_id)
        training = Training(strategy, (random_split(60, seed=0), validation), PLAN, log=log)
        return training.run(), learner, validation


def test_training_stops_when_it_overfits_and_keeps_the_best_weights(capsys: pytest.CaptureFixture[str]) -> None:
    log = TrainingLog()
    result, learner, validation = fit(1e-2, log)
    losses = [row["validation_calibrated_loss"] for row in log.rows]
    assert result.best.epoch == 1 + int(np.argmin(losses))
    assert result.epochs == len(losses) == result.best.epoch + PLAN.patience < PLAN.epochs
    assert result.samples == 60 * result.epochs
    assert f"finetune: {result.samples}/{result.samples} (100 %)" in capsys.readouterr().err
    logits = predict_logits(learner.model, validation.ids, pad_id=0, compute=CPU)
    assert score(logits, validation.labels) == result.best.scores


def test_a_loss_that_is_not_a_number_is_reported_with_the_way_out() -> None:
    with pytest.raises(ConfigError, match=r"diverged.*lower learning_rate"):
        fit(1e30, TrainingLog())


def test_an_epochs_batches_depend_on_seed_and_epoch_alone() -> None:
    split = random_split(60, seed=0).epoch(0)

    def order(epoch: int) -> list[int]:
        return [int(index) for batch in PLAN.batches(split, epoch) for index in batch]

    assert order(3) == order(3)
    assert order(3) != order(4)
    assert sorted(order(3)) == list(range(60))
