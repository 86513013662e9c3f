"""Micro-batching: what arrives while the model is busy goes into the next forward pass together.

There is no timer. An idle model takes a request at once, so a lone client pays nothing; a busy one finds everything
that came meanwhile, so batches grow with the load and the wait is at most one forward pass.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Runs `call` on lists of at most `size` items, one list at a time, in the executor."""

    def __init__(self, call: Callable[[list[Item]], Sequence[Result]], *, size: int, executor: Executor) -> None:
        self._call, self._size, self._executor = call, size, executor
        self._since = 0.0  # when something last went on
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._calling = False

    @property
    def standstill_seconds(self) -> float:
        """How long nothing has gone on though items wait: in health never longer than one call takes."""
        return time.monotonic() - self._since if self._calling or self._waiting else 0.0

    async def submit(self, items: Sequence[Item]) -> list[Result | BaseException]:
        """One result for each item, in order; for an item that `call` fails on, what it raised."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Result]] = [loop.create_future() for _ in items]
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.extend(zip(items, futures, strict=True))
        if self._runner is None or self._runner.done():
            self._runner = loop.create_task(self._run_all())
        return await asyncio.gather(*futures, return_exceptions=True)

    async def _run_all(self) -> None:
        while self._waiting:
            taken = [self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))]
            wanted = [(item, future) for item, future in taken if not future.done()]  # a client may have gone
            if wanted:
                await self._run(wanted)

    async def _run(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._in_executor([item for item, _ in batch])
        except Exception as error:
            if len(batch) > 1:  # one bad item must not fail its neighbours
                for one in batch:
                    await self._run([one])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)

    async def _in_executor(self, items: list[Item]) -> Sequence[Result]:
        self._calling, self._since = True, time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._call, items)
        finally:
            self._calling = False
