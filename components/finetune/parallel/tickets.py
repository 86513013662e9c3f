"""Who learns from which batch: each batch of an epoch is given out once, and again if its worker is lost."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from intclass.components.shared.errors import LostRankError

_PATIENCE_SECONDS: Final = 900.0  # in which a lost pod may come back


@dataclass(frozen=True)
class Ticket:
    """A batch of an epoch, by its place in it."""

    epoch: int
    batch: int


class Tickets:
    """The batches of one epoch after the other; many threads take and hand in, one waits for the epoch's end."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Ticket] = deque()
        self._taken: dict[int, Ticket] = {}
        self._losses: deque[tuple[Ticket, float]] = deque()

    def take(self, worker: int) -> Ticket | None:
        """The next batch for a worker, or None if there is none just now."""
        with self._changed:
            if not self._waiting:
                return None
            self._taken[worker] = self._waiting.popleft()
            return self._taken[worker]

    def hand_in(self, worker: int, loss: float) -> None:
        """The worker has learnt from its batch, with this summed loss."""
        with self._changed:
            self._losses.append((self._taken.pop(worker), loss))
            self._changed.notify_all()

    def give_back(self, worker: int) -> None:
        """The worker is lost: another one takes its batch next."""
        with self._changed:
            if worker in self._taken:
                self._waiting.appendleft(self._taken.pop(worker))

    def run(self, epoch: int, batches: int) -> Iterator[tuple[Ticket, float]]:
        """Give out the epoch's batches, and yield each with its loss when it is done.

        Raises LostRankError when nothing has been done for so long that no worker can be there.
        """
        with self._changed:
            self._waiting.extend(Ticket(epoch, batch) for batch in range(batches))
        for _ in range(batches):
            with self._changed:
                if not self._changed.wait_for(lambda: self._losses, timeout=_PATIENCE_SECONDS):
                    raise LostRankError(f"no worker has done a batch for {_PATIENCE_SECONDS:.0f} s")
                done = self._losses.popleft()
            yield done
