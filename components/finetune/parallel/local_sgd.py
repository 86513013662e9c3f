"""Local SGD: replicas train by themselves and average their weights every H steps.

Stich 2019, "Local SGD converges fast and communicates little"; with an outer Nesterov momentum it is DiLoCo (Douillard
et al. 2023, "DiLoCo: distributed low-communication training of language models"). The replicas start from one
initialisation, take disjoint shares of every batch, and keep each its own optimiser's moments. With H = 1, SGD and no
clipping the averaged weights are those that averaged gradients give.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from intclass.components.finetune.checkpoint import OUTER
from intclass.components.finetune.config import FinetuneConfig
from intclass.components.finetune.learner import Batch, Learner
from intclass.components.finetune.parallel.group import Group
from intclass.components.finetune.parallel.strategy import Epoch, State, Stepwise
from intclass.components.shared.errors import ConfigError

_DILOCO_LEARNING_RATE = 0.7


class LocalSgd(Stepwise):
    """Steps of each replica by itself, averages of all in between and at the end of each epoch."""

    def __init__(
        self, learner: Learner, group: Group, config: FinetuneConfig, *, batch_tokens: int, pad_id: int
    ) -> None:
        super().__init__(learner, group, seed=config.seed, batch_tokens=batch_tokens, pad_id=pad_id)
        self._average_every = config.average_every
        self._steps = 0  # since the last average
        self._parameters = learner.trained
        with torch.no_grad():
            start = parameters_to_vector(self._parameters)
            self._common = group.broadcast_tensor(start)  # the weights that all replicas had last
            fill(self._parameters, self._common)
        momentum = config.outer_momentum
        self._outer = torch.optim.SGD(
            [self._common],
            lr=config.outer_learning_rate or (_DILOCO_LEARNING_RATE if momentum else 1.0),
            momentum=momentum,
            nesterov=momentum > 0,
        )

    def _step(self, parts: list[Batch], epoch: Epoch, *, done: float) -> torch.Tensor:
        loss = torch.zeros((), device=self.learner.compute.device)
        for part in parts:
            loss += self.learner.backward(part, scale=self.group.size / epoch.mean_size)
        self.learner.update(done=done)
        return loss

    def _after_update(self, *, last: bool) -> bool:
        self._steps += 1
        if self._steps < self._average_every and not last:
            return False
        self._average()
        self._steps = 0
        return True

    @torch.no_grad()
    def _average(self) -> None:
        """Move the common weights towards the replicas' mean, and every replica to them."""
        mean = self.group.sum(parameters_to_vector(self._parameters)) / self.group.size
        self._common.grad = self._common - mean
        self._outer.step()
        fill(self._parameters, self._common)

    def shared_state(self) -> State:
        """The outer momentum."""
        return {OUTER: self._outer.state_dict()}

    def own_state(self) -> State:
        """The moments of the replica's own optimiser."""
        return {"optimizer": self.learner.optimizer.state_dict()}

    def restore(self, shared: State, own: State) -> None:
        """The replica goes on with its own moments, or, if there are more replicas now, with another's."""
        with torch.no_grad():
            self._common.copy_(parameters_to_vector(self._parameters))
        self._outer.load_state_dict(dict(shared[OUTER]))
        self.learner.optimizer.load_state_dict(dict(own["optimizer"]))


@torch.no_grad()
def fill(parameters: Iterable[nn.Parameter], vector: torch.Tensor) -> None:
    """Copy the vector's values into the parameters, in their order."""
    start = 0
    for parameter in parameters:
        parameter.copy_(vector[start : start + parameter.numel()].view_as(parameter))
        start += parameter.numel()


def refuse_other_starts(group: Group, seed: int) -> None:
    """Raise ConfigError on all ranks if the replicas were given different seeds.

    Two networks trained from different random weights compute alike with their hidden units in different order, so the
    mean of their weights is no network at all: its accuracy is that of chance.
    """
    seeds: list[int] = group.broadcast(group.gather(seed))
    if len(set(seeds)) > 1:
        given = ", ".join(f"{seed} on rank {rank}" for rank, seed in enumerate(seeds))
        raise ConfigError(
            f"seed is {given}; replicas that start from different random weights cannot be averaged: their hidden "
            "units come in different orders, so the mean is at chance level; give every rank the same seed"
        )
