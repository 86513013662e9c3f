"""Running the steps of many jobs on the pool: as many lanes as may be busy, in each one job after the other.

A job that has begun keeps its lane until it is finished, so that rows are finished, and journalled, in about the order
of the input; which job a lane begins next is the scheduler's decision. A lane is a place at the pool, not a process:
the pool gives each step to whichever of its workers is warm for it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from typing import Generic, TypeVar

from intclass.components.integrate._pool import Pool
from intclass.components.integrate._tasks import Ending, Step

Key = TypeVar("Key")
Result = TypeVar("Result")
Job = tuple[Key, Generator[Step, Ending, Result]]


class Scheduler(ABC, Generic[Key, Result]):
    """Holds the jobs that have not begun.

    Attributes:
        steals: How often a lane took a job that was another's.
    """

    steals: int = 0

    @abstractmethod
    def __init__(self, jobs: Iterable[Job[Key, Result]], *, lanes: int) -> None:
        """Take the jobs for so many lanes, which are counted from 0."""

    @abstractmethod
    def take(self, lane: int) -> Job[Key, Result] | None:
        """The job that the lane begins now, or None if none is left."""


def run_jobs(pool: Pool, scheduler: Scheduler[Key, Result]) -> Iterator[tuple[Key, Result]]:
    """Run the scheduler's jobs in a lane for each busy worker; yields each job's key and result once it is finished."""
    assert not pool.busy
    finished: list[tuple[Key, Result]] = []
    running: dict[int, Generator[Step, Ending, None]] = {}
    ready: list[tuple[Generator[Step, Ending, None], Ending | None]]
    ready = [(_lane(number, scheduler, finished), None) for number in range(pool.size)]
    while ready:
        for lane, ending in ready:
            try:
                step = next(lane) if ending is None else lane.send(ending)
            except StopIteration:
                continue
            running[pool.start(step)] = lane
        yield from finished  # with every lane at work again
        finished.clear()
        ready = [(running.pop(ticket), ending) for ticket, ending in pool.wait()]


def _lane(
    number: int, scheduler: Scheduler[Key, Result], finished: list[tuple[Key, Result]]
) -> Generator[Step, Ending, None]:
    """The steps of all jobs of one lane; their results go to the list."""
    while (job := scheduler.take(number)) is not None:
        key, steps = job
        result = yield from steps
        finished.append((key, result))
