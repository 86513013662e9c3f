"""Hogwild: processes of one machine write into the same weights, without locks.

Recht et al. 2011, "Hogwild! A lock-free approach to parallelizing stochastic gradient descent". It was meant for sparse
gradients, whose writes seldom meet; a dense network's always do, so what comes out differs from run to run. Each worker
keeps its own optimiser's moments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, Final, cast

import torch
from torch import multiprocessing, nn

from intclass.components.finetune.learner import Learner
from intclass.components.finetune.parallel.group import Group
from intclass.components.finetune.parallel.strategy import (
    AfterStep,
    Epoch,
    MakeEpoch,
    State,
    Step,
    Strategy,
    make_batch,
    seed_step,
)
from intclass.components.finetune.serialization import from_bytes, to_bytes
from intclass.components.shared.errors import ConfigError, LostRankError

Main = Callable[..., None]
_START: Final = "spawn"  # a forked process may hang in OpenMP


class Hogwild(Strategy):
    """The view of the process that looks at the validation split; `workers` others learn."""

    resumes_within_epoch = False

    def __init__(self, learner: Learner, *, workers: int, main: Main, arguments: Sequence[object]) -> None:
        """Start the workers: each calls `main(connection, number, shared_weights, *arguments)` in a new process."""
        if learner.compute.device.type != "cpu":
            raise ConfigError("strategy is 'hogwild', which shares the memory of a CPU; give --device cpu")
        self.learner, self.group = learner, Group()
        learner.model.share_memory()
        weights = [each.detach() for each in learner.model.parameters()]
        context = multiprocessing.get_context(_START)
        self._connections: list[Connection] = []
        for number in range(workers):
            here, there = context.Pipe()
            context.Process(target=main, args=(there, number, weights, *arguments), daemon=True).start()
            there.close()
            self._connections.append(here)
        for connection in self._connections:  # the clock shall not run while they load their libraries
            self._receive(connection)

    def run_epoch(self, epoch: Epoch, *, first_step: int, after_step: AfterStep) -> None:
        """Worker i takes batches i, i + W and so on, all at once."""
        assert first_step == 0, "checkpoints are made between epochs, when nobody writes"
        for connection in self._connections:
            connection.send(("epoch", epoch.number))
        for _ in epoch.batches:
            ready = cast("Connection", wait(self._connections)[0])
            number, loss = self._receive(ready)
            after_step(Step(torch.tensor(loss), len(epoch.batches[number]), may_checkpoint=False))

    def shared_state(self) -> State:
        """The moments of every worker."""
        for connection in self._connections:
            connection.send(("state", None))
        return {"workers": [from_bytes(self._receive(connection)) for connection in self._connections]}

    def restore(self, shared: State, own: State) -> None:
        """The workers go on with their moments, or, if there are more now, with another's."""
        states = shared["workers"]
        for number, connection in enumerate(self._connections):
            connection.send(("restore", to_bytes(states[number % len(states)])))

    def close(self) -> None:
        """Let the workers end."""
        for connection in self._connections:
            connection.close()

    def _receive(self, connection: Connection) -> Any:  # noqa: ANN401 - a loss or a state
        try:
            return connection.recv()
        except (EOFError, OSError) as error:
            raise LostRankError("a worker was lost; the same command goes on from the last checkpoint") from error


def work_in_shared_memory(
    connection: Connection,
    number: int,
    learner: Learner,
    make_epoch: MakeEpoch,
    *,
    workers: int,
    seed: int,
    pad_id: int,
) -> None:
    """Be one of the workers, until the other side hangs up."""
    try:
        connection.send("ready")
        while True:
            request, value = connection.recv()
            if request == "state":
                connection.send(to_bytes(learner.optimizer.state_dict()))
            elif request == "restore":
                learner.optimizer.load_state_dict(from_bytes(value))
            else:
                epoch = make_epoch(value)
                _learn(connection, learner, epoch, range(number, len(epoch.batches), workers), seed=seed, pad_id=pad_id)
    except (EOFError, OSError):
        return


def _learn(connection: Connection, learner: Learner, epoch: Epoch, numbers: range, *, seed: int, pad_id: int) -> None:
    learner.model.train()
    middles = epoch.middles()
    for number in numbers:
        seed_step(seed, epoch.number, number)
        batch = make_batch(epoch.split, epoch.batches[number], pad_id=pad_id)
        loss = learner.step(batch, mean_size=epoch.mean_size, done=middles[number])
        connection.send((number, float(loss)))


def adopt(model: nn.Module, weights: Sequence[torch.Tensor]) -> None:
    """Make the model's parameters live in the memory of these tensors."""
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        parameter.data = weight
