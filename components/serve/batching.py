"""Micro-batching: what arrives while the model is busy goes into the next forward pass together.

An idle model takes a request at once, so a lone client pays nothing; a busy one finds everything that came meanwhile,
so batches grow with the load. Those who were answered together ask again together: so a call waits, for a few
milliseconds at most, until there are as many items as the last one had.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(eq=False)
class _Submission(Generic[Result]):
    """Items that came together, and what is known of them so far."""

    done: asyncio.Future[list[Result | BaseException]]
    outcomes: list[Result | BaseException | None]
    missing: int

    def settle(self, place: int, outcome: Result | BaseException) -> None:
        self.outcomes[place] = outcome
        self.missing -= 1
        if not self.missing and not self.done.done():
            self.done.set_result(self.outcomes)  # type: ignore[arg-type] # none is missing


_Waiting = tuple[Item, _Submission[Result], int]  # the last says which item of its submission it is


class Batcher(Generic[Item, Result]):
    """Runs `call` on lists of at most `size` items, one list at a time, in the executor.

    For as many items as the last call had it waits at most `patience` seconds.
    """

    def __init__(
        self, call: Callable[[list[Item]], Sequence[Result]], *, size: int, executor: Executor, patience: float = 0.0
    ) -> None:
        self._call, self._size, self._executor, self._patience = call, size, executor, patience
        self._expected = 0
        self._enough = asyncio.Event()
        self._since = 0.0  # when something last went on
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._calling = False

    @property
    def standstill_seconds(self) -> float:
        """How long nothing has gone on though items wait: in health never longer than one call takes."""
        return time.monotonic() - self._since if self._calling or self._waiting else 0.0

    async def submit(self, items: Sequence[Item]) -> list[Result | BaseException]:
        """One result for each item, in order; for an item that `call` fails on, what it raised."""
        if not items:
            return []
        loop = asyncio.get_running_loop()
        submission = _Submission[Result](loop.create_future(), [None] * len(items), len(items))
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.extend((item, submission, place) for place, item in enumerate(items))
        if len(self._waiting) >= self._expected:
            self._enough.set()
        if self._runner is None or self._runner.done():
            self._runner = loop.create_task(self._run_all())
        return await submission.done

    async def _run_all(self) -> None:
        while self._waiting:
            await self._gather()
            taken = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
            wanted = [one for one in taken if not one[1].done.done()]  # a client may have gone
            self._expected = len(wanted)
            if wanted:
                await self._run(wanted)

    async def _gather(self) -> None:
        if len(self._waiting) >= self._expected or not self._patience:
            return
        self._enough.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await self._enough.wait()

    async def _run(self, batch: list[_Waiting[Item, Result]]) -> None:
        try:
            results = await self._in_executor([item for item, _, _ in batch])
        except Exception as error:
            if len(batch) > 1:  # one bad item must not fail its neighbours
                for one in batch:
                    await self._run([one])
            else:
                _, submission, place = batch[0]
                submission.settle(place, error)
            return
        for (_, submission, place), result in zip(batch, results, strict=True):
            submission.settle(place, result)

    async def _in_executor(self, items: list[Item]) -> Sequence[Result]:
        self._calling, self._since = True, time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._call, items)
        finally:
            self._calling = False
