"""The face that every strategy shows to the loop, and the loop within an epoch that two of them share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from intclass.components.finetune.batches import Ints, pad, token_batches
from intclass.components.finetune.checkpoint import Weights
from intclass.components.finetune.examples import Split
from intclass.components.finetune.learner import Batch, Learner
from intclass.components.finetune.parallel.group import Group

State = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One pass over the train split: its batches, as indices into the split, and its place in the whole training."""

    number: int
    split: Split
    batches: list[Ints]
    samples_before: int
    total_samples: int

    @property
    def mean_size(self) -> float:
        """Examples in a batch, on average."""
        return len(self.split) / len(self.batches)

    def middles(self) -> list[float]:
        """For each batch the share of the whole training (0 to 1) that is done when half of it is."""
        sizes = np.array([len(batch) for batch in self.batches])
        middles: list[float] = ((self.samples_before + np.cumsum(sizes) - sizes / 2) / self.total_samples).tolist()
        return middles


MakeEpoch = Callable[[int], Epoch]  # from its number


@dataclass(frozen=True)
class Step:
    """What a step did: the summed loss of this rank's examples, and how many examples all ranks had."""

    loss: torch.Tensor
    samples: int
    may_checkpoint: bool = True  # not between two averages, where every replica has weights of its own


AfterStep = Callable[[Step], None]


class Strategy(Protocol):
    """How one epoch is trained by all processes together."""

    learner: Learner
    group: Group
    resumes_within_epoch: bool = True  # otherwise an interrupted epoch is trained again

    @abstractmethod
    def run_epoch(self, epoch: Epoch, *, first_step: int, after_step: AfterStep) -> None:
        """Train on the epoch's batches from `first_step` on; in the end `learner.model` has the common weights."""

    def weights(self) -> Weights:
        """The model's weights, not copied, for a checkpoint that rank 0 writes."""
        weights: Weights = self.learner.model.state_dict()
        return weights

    def load_weights(self, weights: Weights) -> None:
        """Give the model, on all ranks, what `weights` gave."""
        self.learner.model.load_state_dict(weights)

    def shared_state(self) -> State:
        """What every rank has alike beside the weights, for a checkpoint that rank 0 writes."""
        return {}

    def own_state(self) -> State:
        """What this rank alone has, for a checkpoint."""
        return {}

    def restore(self, shared: State, own: State) -> None:
        """Go on from a checkpoint whose weights the model has already."""


class Stepwise(Strategy):
    """All ranks walk through the same batches, each taking its share of every one."""

    def __init__(self, learner: Learner, group: Group, *, seed: int, batch_tokens: int, pad_id: int) -> None:
        self.learner, self.group = learner, group
        self._seed, self._batch_tokens, self._pad_id = seed, batch_tokens, pad_id

    def run_epoch(self, epoch: Epoch, *, first_step: int, after_step: AfterStep) -> None:
        """One step for each batch, of whose examples rank r takes the r-th, (r + W)-th and so on."""
        self.learner.model.train()
        middles = epoch.middles()
        for number in range(first_step, len(epoch.batches)):
            seed_step(self._seed, epoch.number, number, self.group.rank)
            batch = epoch.batches[number]
            share = batch[self.group.rank :: self.group.size]
            loss = self._step(self._parts(epoch.split, share), epoch, done=middles[number])
            synced = self._after_update(last=number == len(epoch.batches) - 1)
            after_step(Step(loss, len(batch), may_checkpoint=synced))

    def close(self) -> None:
        """Let go of what belongs to the process group, which is about to end."""

    @abstractmethod
    def _step(self, parts: list[Batch], epoch: Epoch, *, done: float) -> torch.Tensor:
        """Learn from this rank's share, in parts of at most `batch_tokens`; returns its summed loss."""

    def _after_update(self, *, last: bool) -> bool:
        """Whatever follows the update, before the next batch; returns whether all ranks have the same weights."""
        return True

    def _parts(self, split: Split, share: Ints) -> list[Batch]:
        """More than one part only where a checkpoint of more ranks goes on, whose batches are larger."""
        lengths = [len(split.ids[index]) for index in share]
        return [
            make_batch(split, share[part], pad_id=self._pad_id)
            for part in token_batches(lengths, budget=self._batch_tokens)
        ]


def make_batch(split: Split, indices: Ints, *, pad_id: int) -> Batch:
    """The examples at these indices."""
    tokens, mask = pad([split.ids[index] for index in indices], pad_id=pad_id)
    return Batch(tokens, mask, torch.from_numpy(split.labels[indices]))


def no_batch() -> Batch:
    """One input of one token, for a rank that has none."""
    return Batch(torch.zeros((1, 1), dtype=torch.int64), torch.ones((1, 1), dtype=torch.int64), torch.zeros(1).long())


def seed_step(*place: int) -> None:
    """Make dropout a matter of the place in training alone, so that a checkpoint needs no random state."""
    (seed,) = np.random.SeedSequence(place).generate_state(1, np.uint64)
    torch.manual_seed(int(seed))
