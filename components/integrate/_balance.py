"""The scheduler `balance`: one queue, from which an idle worker takes the next step.

Solving times are heavy-tailed, so the unit is small: one step of one function. A function that has begun goes before
one that has not, so that rows are finished, and journalled, in about the order of the input.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import TypeVar

from intclass.components.integrate._pool import Pool
from intclass.components.integrate._tasks import Ending, Step

Key = TypeVar("Key")
Result = TypeVar("Result")
Job = tuple[Key, Generator[Step, Ending, Result]]


def balance(pool: Pool, jobs: Iterable[Job[Key, Result]]) -> Iterator[tuple[Key, Result]]:
    """Run the jobs' steps on the pool; yields each job's key and result as soon as it is finished."""
    fresh = iter(jobs)
    begun: deque[tuple[Job[Key, Result], Ending]] = deque()
    running: dict[int, Job[Key, Result]] = {}
    while True:
        while pool.free:
            job, ending = begun.popleft() if begun else (next(fresh, None), None)
            if job is None:
                break
            key, steps = job
            try:
                step = next(steps) if ending is None else steps.send(ending)
            except StopIteration as stop:
                yield key, stop.value
            else:
                running[pool.start(step)] = job
        if not running:
            return
        begun.extend((running.pop(ticket), ending) for ticket, ending in pool.wait())
