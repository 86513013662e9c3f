"""The training loop: epochs of batches, a look at the validation split after each, the best weights kept."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from intclass.components.finetune.batches import Ints, pad, token_batches
from intclass.components.finetune.compute import Compute
from intclass.components.finetune.examples import Split, TrainSplit
from intclass.components.finetune.inference import predict_logits
from intclass.components.finetune.learner import Batch, Learner
from intclass.components.finetune.log import TrainingLog
from intclass.components.finetune.metrics import Floats, Scores, score
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long to train, in which order, and what a batch holds."""

    epochs: int
    patience: int
    batch_tokens: int
    seed: int
    pad_id: int

    def batches(self, split: Split, epoch: int) -> list[Ints]:
        """The epoch's batches as indices into the split: a matter of (seed, epoch) alone."""
        rng = np.random.default_rng((self.seed, epoch))
        return token_batches([len(row) for row in split.ids], budget=self.batch_tokens, rng=rng)


@dataclass(frozen=True)
class Checkpoint:
    """The weights after an epoch, and how they did on the validation split."""

    epoch: int
    scores: Scores
    weights: dict[str, torch.Tensor]


@dataclass(frozen=True)
class Fit:
    """The best checkpoint, and how far training went."""

    best: Checkpoint
    epochs: int
    samples: int


def train(learner: Learner, splits: tuple[TrainSplit, Split], plan: Plan, *, compute: Compute, log: TrainingLog) -> Fit:
    """Train on the first split until the second has had no better loss for `patience` epochs.

    The model ends with the best weights. Raises ConfigError when the loss stops being a number.
    """
    training, validation = splits
    best: Checkpoint | None = None
    with Progress("finetune", total=plan.epochs * len(training), unit="samples") as progress:
        for epoch in range(1, plan.epochs + 1):
            loss = _train_epoch(learner, training.epoch(epoch), plan, epoch=epoch, progress=progress)
            logits = predict_logits(learner.model, validation.ids, pad_id=plan.pad_id, compute=compute)
            _check_finite(loss, logits)
            scores = score(logits, validation.labels)
            log.write(
                epoch=epoch, train_loss=loss, **{f"validation_{name}": value for name, value in asdict(scores).items()}
            )
            if best is None or scores.loss < best.scores.loss:
                best = Checkpoint(epoch, scores, _copy_weights(learner.model))
            elif epoch - best.epoch >= plan.patience:
                progress.total = progress.done  # nothing is left to do
                break
    assert best is not None
    learner.model.load_state_dict(best.weights)
    return Fit(best, epoch, samples=epoch * len(training))


def _train_epoch(learner: Learner, split: Split, plan: Plan, *, epoch: int, progress: Progress) -> float:
    """The mean loss of the epoch's examples, each taken in the step that learnt from it."""
    learner.model.train()
    total = torch.zeros(())
    batches = plan.batches(split, epoch)
    for indices in batches:
        tokens, mask = pad([split.ids[index] for index in indices], pad_id=plan.pad_id)
        batch = Batch(tokens, mask, torch.from_numpy(split.labels[indices]))
        middle = progress.done + len(indices) / 2
        total = total + learner.step(batch, mean_size=len(split) / len(batches), done=middle / progress.total)
        progress.update(len(indices))
    return float(total) / len(split)


def _check_finite(loss: float, logits: Floats) -> None:
    if not (math.isfinite(loss) and np.isfinite(logits).all()):
        raise ConfigError(f"training diverged: the train loss is {loss:g}; give a lower learning_rate")


def _copy_weights(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
