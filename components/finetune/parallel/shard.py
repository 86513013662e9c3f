"""A server's share of the weights, with its optimiser, and the rules by which workers' gradients reach it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from intclass.components.finetune.config import Consistency
from intclass.components.finetune.learner import Recipe, make_optimizer, set_learning_rate


class Shard:
    """Some of a model's parameters; many threads, one for each worker, push and pull.

    - `sync`: a round's gradients are averaged when every worker has sent one (or said that it has none).
    - `stale`: each is applied as it comes, but a worker more than `staleness` rounds ahead of the slowest waits (Ho et
      al. 2013, "More effective distributed ML via a stale synchronous parallel parameter server").
    - `async`: each is applied as it comes.

    A gradient taken at weights that t updates have changed since is applied at 1 / (1 + t) of the learning rate (after
    Zhang et al. 2016, "Staleness-aware async-SGD for distributed deep learning").
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], recipe: Recipe, *, consistency: Consistency, staleness: int
    ) -> None:
        self.parameters = [nn.Parameter(each.detach().float().cpu().clone()) for each in parameters]
        self.version = 0  # updates so far
        self._optimizer = make_optimizer(nn.ParameterList(self.parameters), recipe)
        self._recipe, self._consistency, self._staleness = recipe, consistency, staleness
        self._changed = threading.Condition()
        self._clocks: dict[int, int] = {}  # rounds of each worker that is there
        self._pushed: dict[int, list[torch.Tensor] | None] = {}  # in the round that is not complete yet
        self._done = 0.0

    def join(self, worker: int) -> None:
        """A worker begins, level with the fastest, so that nobody waits for it."""
        with self._changed:
            self._clocks[worker] = max(self._clocks.values(), default=0)

    def leave(self, worker: int) -> None:
        """A worker ended or was lost; those who waited for it go on."""
        with self._changed:
            self._clocks.pop(worker, None)
            self._end_round()
            self._changed.notify_all()

    def pull(self) -> tuple[int, list[torch.Tensor]]:
        """The version and a copy of the weights."""
        with self._changed:
            return self.version, [each.detach().clone() for each in self.parameters]

    def push(self, worker: int, gradients: list[torch.Tensor] | None, *, version: int, done: float) -> None:
        """Take a worker's gradients of the weights of that version, or None for a round without; then it may wait."""
        with self._changed:
            if self._consistency == "sync":
                self._pushed[worker] = gradients
                self._done = max(self._done, done)
                self._end_round()
                self._changed.wait_for(lambda: worker not in self._pushed)
                return
            if gradients is not None:
                self._apply(gradients, done=done, factor=1 / (1 + self.version - version))
            fastest = max(self._clocks.values(), default=0)
            self._clocks[worker] = fastest if gradients is None else self._clocks.get(worker, 0) + 1
            self._changed.notify_all()
            if self._consistency == "stale" and gradients is not None:
                self._changed.wait_for(lambda: self._clocks[worker] - min(self._clocks.values()) <= self._staleness)

    def state(self) -> dict[str, Any]:
        """The optimiser's state, for a checkpoint."""
        with self._changed:
            return {"optimizer": self._optimizer.state_dict(), "version": self.version}

    @torch.no_grad()
    def restore(self, weights: Sequence[torch.Tensor], state: Mapping[str, Any] | None) -> None:
        """Take the weights, and the optimiser's state if there is one that fits this share."""
        with self._changed:
            for parameter, weight in zip(self.parameters, weights, strict=True):
                parameter.copy_(weight)
            if state is not None:
                self._optimizer.load_state_dict(state["optimizer"])
                self.version = int(state["version"])

    def _end_round(self) -> None:
        """Apply the mean of a round's gradients when all workers that are there have sent theirs."""
        if not self._pushed or not self._clocks.keys() <= self._pushed.keys():
            return
        given = [gradients for gradients in self._pushed.values() if gradients is not None]
        self._pushed.clear()
        if given:
            means = [torch.stack(parts).mean(dim=0) for parts in zip(*given, strict=True)]
            self._apply(means, done=self._done, factor=1.0)
        self._changed.notify_all()

    def _apply(self, gradients: Sequence[torch.Tensor], *, done: float, factor: float) -> None:
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        set_learning_rate(self._optimizer, self._recipe, done=done, factor=factor)
        self._optimizer.step()
        self.version += 1
