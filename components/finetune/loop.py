"""The training loop: epochs of batches, a look at the validation split after each, the best weights kept.

How the processes of a training share an epoch is a strategy's matter (`finetune.parallel`); everything else is here,
and the same for all. Every rank runs the loop; rank 0 alone writes and speaks.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import NoReturn

import numpy as np
import torch

from intclass.components.finetune.batches import Ints, token_batches
from intclass.components.finetune.checkpoint import Checkpoints, Weights
from intclass.components.finetune.examples import Split, TrainSplit
from intclass.components.finetune.inference import predict_logits
from intclass.components.finetune.interruption import Interruption, noted_interruption
from intclass.components.finetune.log import TrainingLog
from intclass.components.finetune.metrics import Floats, Scores, score
from intclass.components.finetune.parallel.strategy import Epoch, Step, Strategy
from intclass.components.finetune.schedule import batch_tokens_in
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.progress import Progress
from intclass.components.shared.signals import EXIT_TERMINATED


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long to train, in which order, and what a batch holds.

    `batch_tokens` are those of all ranks together, in the first epoch. A checkpoint keeps the number, so that a
    training which goes on with more or fewer ranks takes the same steps.
    """

    epochs: int
    patience: int
    batch_tokens: int
    seed: int
    pad_id: int
    batch_growth: float = 1.0
    pause_after: int | None = None

    def batches(self, split: Split, epoch: int) -> list[Ints]:
        """The epoch's batches as indices into the split: a matter of (seed, epoch) alone."""
        rng = np.random.default_rng((self.seed, epoch))
        budget = batch_tokens_in(epoch, first=self.batch_tokens, growth=self.batch_growth, epochs=self.epochs)
        return token_batches([len(row) for row in split.ids], budget=budget, rng=rng)

    def epoch(self, split: Split, number: int) -> Epoch:
        """The epoch over the split as it reads in that epoch."""
        return Epoch(
            number=number,
            split=split,
            batches=self.batches(split, number),
            samples_before=(number - 1) * len(split),
            total_samples=self.epochs * len(split),
        )


@dataclass(frozen=True)
class Best:
    """The weights after an epoch, and how they did on the validation split.

    The best have the lowest loss after temperature scaling: that is the model that will answer. Before it, the loss
    punishes confidence, and would take an earlier, less accurate epoch.
    """

    epoch: int
    scores: Scores
    weights: Weights


@dataclass(frozen=True)
class Fit:
    """The best epoch, how far training went, and how long it took, earlier processes included."""

    best: Best
    epochs: int
    samples: int
    seconds: float


@dataclass
class Position:
    """Where training stands: `step` steps of `epoch` are done, whose summed loss on this rank is `loss`."""

    epoch: int = 1
    step: int = 0
    steps: int = 0  # of all epochs
    samples: int = 0  # on all ranks, in all epochs
    seconds: float = 0.0  # before this process
    loss: torch.Tensor = field(default_factory=lambda: torch.zeros(()))


class Training:
    """A model on its way from its first weights to its best ones."""

    def __init__(
        self,
        strategy: Strategy,
        splits: tuple[TrainSplit, Split],
        plan: Plan,
        *,
        log: TrainingLog,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        self._strategy, self._learner, self._group = strategy, strategy.learner, strategy.group
        self._model = strategy.learner.model
        self._training, self._validation = splits
        self._plan, self._log, self._checkpoints = plan, log, checkpoints
        self._position = Position()
        self._started = time.monotonic()
        self._saved_steps = 0
        self._best: Best | None = None

    def run(self) -> Fit:
        """Train until the validation split has had no better calibrated loss for `patience` epochs.

        The model ends with the best weights. Raises ConfigError when the loss stops being a number, and SystemExit
        after SIGTERM, when the checkpoint is written.
        """
        self._resume()
        total = self._plan.epochs * len(self._training)
        progress = Progress("finetune", total=total, unit="samples", silent=not self._group.leads)
        progress.resume(self._position.samples)
        with progress, noted_interruption() as interruption:
            while not self._is_over():
                self._pause_if_due()
                self._run_epoch(progress, interruption)
            progress.total = progress.done  # nothing is left to do
        assert self._best is not None
        self._strategy.load_weights(self._best.weights)
        epochs = self._position.epoch - 1
        return Fit(self._best, epochs, samples=epochs * len(self._training), seconds=self._seconds)

    def _is_over(self) -> bool:
        done = self._position.epoch - 1
        overfits = self._best is not None and done - self._best.epoch >= self._plan.patience
        return done == self._plan.epochs or overfits

    def _pause_if_due(self) -> None:
        """End the process after the epoch that was asked for; its checkpoint is written."""
        if self._plan.pause_after is None or self._position.epoch - 1 < self._plan.pause_after:
            return
        if self._group.leads:
            sys.stderr.write(f"paused after epoch {self._plan.pause_after}; the same command goes on\n")
        raise SystemExit(0)

    def _run_epoch(self, progress: Progress, interruption: Interruption) -> None:
        position, split = self._position, self._training.epoch(self._position.epoch)
        epoch = self._plan.epoch(split, position.epoch)

        def after_step(step: Step) -> None:
            position.loss = position.loss + step.loss  # stays on the device, which need not be waited for
            position.step += 1
            position.steps += 1
            position.samples += step.samples
            progress.update(step.samples)
            if step.may_checkpoint or not self._strategy.resumes_within_epoch:
                self._save_or_stop(interruption)

        self._strategy.run_epoch(epoch, first_step=position.step, after_step=after_step)
        loss = float(self._group.sum(position.loss.clone())) / len(split)
        self._end_epoch(loss, lambda: self._save_or_stop(interruption))

    def _end_epoch(self, loss: float, before_batch: Callable[[], None]) -> None:
        """Look at the validation split, keep the weights if they are the best, and begin the next epoch."""
        position = self._position
        logits = predict_logits(
            self._model,
            self._validation.ids,
            pad_id=self._plan.pad_id,
            compute=self._learner.compute,
            group=self._group,
            before_batch=before_batch,
        )
        _check_finite(loss, logits)
        scores = score(logits, self._validation.labels)
        validation = {f"validation_{name}": value for name, value in asdict(scores).items()}
        measured = {"seconds": self._seconds, "samples": position.samples, "bytes_sent": self._group.bytes_sent}
        self._log.write_measured(measured, epoch=position.epoch, train_loss=loss, **validation)
        if self._best is None or scores.calibrated_loss < self._best.scores.calibrated_loss:
            self._best = Best(position.epoch, scores, _copied(self._strategy.weights()))
        self._position = Position(
            epoch=position.epoch + 1,
            steps=position.steps,
            samples=position.samples,
            seconds=position.seconds,
        )
        self._save()

    @property
    def _seconds(self) -> float:
        """Spent on training, by earlier processes too."""
        return self._position.seconds + time.monotonic() - self._started

    def _save_or_stop(self, interruption: Interruption) -> None:
        """Save when it is time to, or when any rank is asked to end; then end. Some can save between epochs only."""
        stop = self._group.any(interruption.requested)
        due = self._checkpoints is not None and self._position.steps - self._saved_steps >= self._checkpoints.every
        if self._strategy.resumes_within_epoch and (stop or due):
            self._save()
        if stop:
            self._stop()

    def _stop(self) -> NoReturn:
        if self._group.leads:
            sys.stderr.write("stopped by SIGTERM; the same command goes on from the last checkpoint\n")
        raise SystemExit(EXIT_TERMINATED)

    def _save(self) -> None:
        """Gather what the ranks have, and let rank 0 write it."""
        position = self._position
        self._saved_steps = position.steps
        if self._checkpoints is None:
            return
        own = {"loss": float(position.loss), **self._strategy.own_state()}
        ranks = self._group.gather(own)
        weights, shared = self._strategy.weights(), dict(self._strategy.shared_state())
        if not self._group.leads:
            return
        content = {
            "position": {**vars(position), "loss": 0.0, "seconds": self._seconds},
            "batch_tokens": self._plan.batch_tokens,
            "bytes_sent": self._group.bytes_sent,
            "log": self._log.state(),
            "model": weights,
            "shared": shared,
            "ranks": ranks,
            "scores": asdict(self._best.scores) if self._best else None,
        }
        self._checkpoints.save(
            position.steps,
            content,
            best_epoch=self._best.epoch if self._best else 0,
            best_weights=self._best.weights if self._best else None,
        )

    def _resume(self) -> None:
        """Go on from the last checkpoint, if there is one; rank 0 alone reads it."""
        found = self._checkpoints.load() if self._checkpoints and self._group.leads else None
        found = self._group.broadcast(found)
        if found is None:
            return
        content, best_weights = found
        ranks = content["ranks"]
        own = ranks[self._group.rank % len(ranks)]
        losses = [rank["loss"] for rank in ranks]
        if len(ranks) != self._group.size:
            losses = [sum(losses), *[0.0] * (self._group.size - 1)]
        self._position = Position(**{**content["position"], "loss": torch.tensor(losses[self._group.rank])})
        self._saved_steps = self._position.steps
        self._plan = replace(self._plan, batch_tokens=content["batch_tokens"])
        self._group.bytes_sent = content["bytes_sent"]
        self._log.resume(content["log"])
        self._strategy.load_weights(content["model"])
        self._strategy.restore(content["shared"], own)
        if best_weights is not None:
            self._best = Best(content["best_epoch"], Scores(**content["scores"]), best_weights)


def _check_finite(loss: float, logits: Floats) -> None:
    if not (math.isfinite(loss) and np.isfinite(logits).all()):
        raise ConfigError(f"training diverged: the train loss is {loss:g}; give a lower learning_rate")


def _copied(weights: Weights) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}
