from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from intclass.components.finetune.learner import Recipe
from intclass.components.finetune.parallel.parameter_server import cut
from intclass.components.finetune.parallel.shard import Shard
from intclass.components.finetune.parallel.tickets import Ticket, Tickets

RATE = 0.1
RECIPE = Recipe(learning_rate=RATE, warmup_fraction=0.0, weight_decay=0.0, label_smoothing=0.0, optimizer="sgd")


def shard(consistency: Any, *, workers: int = 2, staleness: int = 0) -> Shard:
    made = Shard([nn.Parameter(torch.zeros(2, 2))], RECIPE, consistency=consistency, staleness=staleness)
    for worker in range(workers):
        made.join(worker)
    return made


def push(made: Shard, worker: int, gradient: float | None, *, version: int = 0) -> None:
    gradients = None if gradient is None else [torch.full((2, 2), gradient)]
    made.push(worker, gradients, version=version, done=0.0)


def value(made: Shard) -> float:
    (weights,) = made.pull()[1]
    return float(weights[0, 0])


def in_thread(call: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    time.sleep(0.05)
    return thread


def test_sync_applies_the_mean_when_all_have_pushed() -> None:
    made = shard("sync")
    first = in_thread(lambda: push(made, 0, 1.0))
    assert first.is_alive()
    assert value(made) == 0
    push(made, 1, 3.0)
    first.join(5)
    assert value(made) == pytest.approx(-RATE * 2)
    assert made.version == 1


def test_sync_counts_only_those_who_had_a_batch() -> None:
    made = shard("sync")
    idle = in_thread(lambda: push(made, 0, None))
    push(made, 1, 3.0)
    idle.join(5)
    assert value(made) == pytest.approx(-RATE * 3)


def test_a_lost_worker_is_not_waited_for() -> None:
    made = shard("sync", workers=3)
    waiting = [in_thread(lambda worker=worker: push(made, worker, 1.0)) for worker in (0, 1)]  # type: ignore[misc]
    made.leave(2)
    for thread in waiting:
        thread.join(5)
    assert value(made) == pytest.approx(-RATE)


def test_async_steps_shrink_with_staleness() -> None:
    made = shard("async")
    push(made, 0, 1.0, version=0)
    assert value(made) == pytest.approx(-RATE)
    push(made, 1, 1.0, version=0)  # of weights that one update has changed since
    assert value(made) == pytest.approx(-RATE * 1.5)


def test_stale_stops_the_fastest_until_the_slowest_follows() -> None:
    made = shard("stale", staleness=1)
    push(made, 0, 1.0)
    ahead = in_thread(lambda: push(made, 0, 1.0, version=1))
    assert ahead.is_alive()
    assert made.version == 2  # applied all the same
    push(made, 1, 1.0, version=2)
    ahead.join(5)
    assert not ahead.is_alive()


def test_stale_does_not_wait_for_who_has_nothing_to_do_or_is_lost() -> None:
    made = shard("stale", workers=3)
    made.leave(2)
    ahead = in_thread(lambda: push(made, 0, 1.0))
    assert ahead.is_alive()
    push(made, 1, None)
    ahead.join(5)
    assert not ahead.is_alive()


def test_a_shards_state_goes_on_elsewhere() -> None:
    adam = Recipe(learning_rate=RATE, warmup_fraction=0.0, weight_decay=0.1, label_smoothing=0.0)

    def fresh() -> Shard:
        made = Shard([nn.Parameter(torch.ones(2, 2))], adam, consistency="async", staleness=0)
        made.join(0)
        return made

    one, other = fresh(), fresh()
    push(one, 0, 1.0)
    other.restore(one.pull()[1], copy.deepcopy(one.state()))
    for made in (one, other):
        push(made, 0, -0.5, version=1)
    assert value(one) == value(other)


def test_parameters_are_cut_into_runs_of_similar_size() -> None:
    parameters = [nn.Parameter(torch.zeros(size)) for size in (50, 10, 20, 20, 30, 70)]
    shares = cut(parameters, 2)
    kept = [each for share in shares for each in share]
    assert all(one is other for one, other in zip(kept, parameters, strict=True))
    assert [sum(each.numel() for each in share) for share in shares] == [100, 100]


def test_a_lost_workers_batch_goes_to_another() -> None:
    tickets = Tickets()
    done: list[tuple[Ticket, float]] = []
    runner = in_thread(lambda: done.extend(tickets.run(1, 3)))
    assert tickets.take(7) == Ticket(1, 0)
    assert tickets.take(8) == Ticket(1, 1)
    tickets.give_back(7)
    tickets.hand_in(8, 0.5)
    assert tickets.take(8) == Ticket(1, 0)
    tickets.hand_in(8, 0.4)
    assert tickets.take(8) == Ticket(1, 2)
    assert tickets.take(9) is None
    tickets.hand_in(8, 0.3)
    runner.join(5)
    assert done == [(Ticket(1, 1), 0.5), (Ticket(1, 0), 0.4), (Ticket(1, 2), 0.3)]
