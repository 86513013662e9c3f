"""The scheduler `balance`: one queue, from which an idle lane takes the next function.

Solving times are heavy-tailed, so the unit is small: no lane ever holds a function that another one could begin.
"""

from __future__ import annotations

from collections.abc import Iterable

from intclass.components.integrate._schedule import Job, Key, Result, Scheduler


class Balance(Scheduler[Key, Result]):
    """The jobs in their order, drawn from the iterable one by one."""

    def __init__(self, jobs: Iterable[Job[Key, Result]], *, lanes: int) -> None:
        self._jobs = iter(jobs)

    def take(self, lane: int) -> Job[Key, Result] | None:
        """The next one, whichever lane asks."""
        return next(self._jobs, None)
