"""The scheduler `steal`: a deque of functions for each lane; one that has run empty steals from another.

Work stealing after R. D. Blumofe and C. E. Leiserson, Scheduling multithreaded computations by work stealing, Journal
of the ACM 46 (1999), sections 3 and 4: an owner works at one end of its deque, a thief takes from the other end of a
victim drawn at random, and T steps of work with a critical path of C are done by P workers in T/P + O(C) expected
steps. Here the functions do not spawn others, so the critical path is the longest single function. An owner works in
the order of the input, from the head; a thief takes the tail, the function whose turn would have come last.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable

from intclass.components.integrate._schedule import Job, Key, Result, Scheduler


class Steal(Scheduler[Key, Result]):
    """The jobs dealt out in turn, as cards are.

    Outcomes do not depend on the victims, so these are drawn from a seed of their own, the same in every run.
    """

    def __init__(self, jobs: Iterable[Job[Key, Result]], *, lanes: int) -> None:
        dealt = list(jobs)
        self._deques = [deque(dealt[lane::lanes]) for lane in range(lanes)]
        self._rng = random.Random(0)

    def take(self, lane: int) -> Job[Key, Result] | None:
        """The head of the lane's own deque, or else the tail of another's."""
        own = self._deques[lane]
        if own:
            return own.popleft()
        victims = [victim for victim in self._deques if victim]
        if not victims:
            return None
        self.steals += 1
        return self._rng.choice(victims).pop()
