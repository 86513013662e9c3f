"""Micro-batching: what comes together goes together, and nobody pays for a neighbour."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from intclass.components.serve.batching import Batcher


class Squarer:
    """Squares numbers, refuses negative ones, and can be held up inside a call."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def __call__(self, items: list[int]) -> Sequence[int]:
        self.batches.append(items)
        self.entered.set()
        assert self.go_on.wait(timeout=10)
        if any(item < 0 for item in items):
            raise ValueError(f"negative: {min(items)}")
        return [item * item for item in items]


@pytest.fixture
def squarer() -> Squarer:
    return Squarer()


def _batcher(squarer: Squarer, *, size: int = 8, patience: float = 0.0) -> Batcher[int, int]:
    return Batcher(squarer, size=size, executor=ThreadPoolExecutor(1), patience=patience)


async def _hold(batcher: Batcher[int, int], squarer: Squarer) -> asyncio.Task[list[int | BaseException]]:
    """A request that keeps the model busy until `squarer.go_on` is set."""
    squarer.go_on.clear()
    task = asyncio.create_task(batcher.submit([0]))
    await asyncio.to_thread(squarer.entered.wait, 10)
    return task


def test_an_idle_model_takes_a_request_at_once(squarer: Squarer) -> None:
    assert asyncio.run(_batcher(squarer).submit([3, 1, 2])) == [9, 1, 4]
    assert squarer.batches == [[3, 1, 2]]


def test_what_arrives_while_the_model_is_busy_goes_together(squarer: Squarer) -> None:
    async def scenario() -> list[list[int | BaseException]]:
        batcher = _batcher(squarer)
        first = await _hold(batcher, squarer)
        later = [asyncio.create_task(batcher.submit([number])) for number in (1, 2, 3)]
        await asyncio.sleep(0)
        squarer.go_on.set()
        return await asyncio.gather(first, *later)

    assert asyncio.run(scenario()) == [[0], [1], [4], [9]]
    assert squarer.batches == [[0], [1, 2, 3]]


def test_those_who_were_answered_together_are_waited_for(squarer: Squarer) -> None:
    async def client(batcher: Batcher[int, int], number: int) -> None:
        await batcher.submit([number])
        await asyncio.sleep(0.01 * number)
        await batcher.submit([10 * number])

    async def scenario() -> None:
        batcher = _batcher(squarer, patience=10.0)
        await asyncio.gather(*(client(batcher, number) for number in (1, 2, 3)))

    asyncio.run(scenario())
    assert squarer.batches == [[1, 2, 3], [10, 20, 30]]


def test_nobody_is_waited_for_longer_than_patience_lasts(squarer: Squarer) -> None:
    async def scenario() -> None:
        batcher = _batcher(squarer, patience=0.01)
        await batcher.submit([1, 2, 3])
        await batcher.submit([4])
        await batcher.submit([5])

    asyncio.run(asyncio.wait_for(scenario(), 5))
    assert squarer.batches == [[1, 2, 3], [4], [5]]


def test_a_batch_is_never_larger_than_its_size(squarer: Squarer) -> None:
    numbers = list(range(20))
    assert asyncio.run(_batcher(squarer, size=8).submit(numbers)) == [number**2 for number in numbers]
    assert [len(batch) for batch in squarer.batches] == [8, 8, 4]


def test_a_bad_item_does_not_fail_its_neighbours(squarer: Squarer) -> None:
    good, bad, other = asyncio.run(_batcher(squarer).submit([2, -1, 3]))
    assert (good, other) == (4, 9)
    assert isinstance(bad, ValueError)
    assert str(bad) == "negative: -1"


def test_a_client_that_left_is_not_computed_for(squarer: Squarer) -> None:
    async def scenario() -> list[int | BaseException]:
        batcher = _batcher(squarer)
        first = await _hold(batcher, squarer)
        gone, stays = (asyncio.create_task(batcher.submit([number])) for number in (5, 6))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        squarer.go_on.set()
        await first
        return await stays

    assert asyncio.run(scenario()) == [36]
    assert squarer.batches == [[0], [6]]


def test_a_standstill_is_timed_while_a_call_lasts(squarer: Squarer) -> None:
    async def scenario() -> tuple[float, float, float]:
        batcher = _batcher(squarer)
        before = batcher.standstill_seconds
        task = await _hold(batcher, squarer)
        await asyncio.sleep(0.02)
        during = batcher.standstill_seconds
        squarer.go_on.set()
        await task
        return before, during, batcher.standstill_seconds

    before, during, after = asyncio.run(scenario())
    assert (before, after) == (0.0, 0.0)
    assert during >= 0.02
