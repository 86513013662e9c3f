"""SIGTERM, which a cluster sends before it takes a node away: noted, and acted on where training can stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from intclass.components.shared.signals import sigterm_handled


class Interruption:
    """Whether SIGTERM has come."""

    def __init__(self) -> None:
        self.requested = False

    def request(self, signal_number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """Ask for an end after the present step."""
        self.requested = True


@contextlib.contextmanager
def noted_interruption() -> Iterator[Interruption]:
    """Note SIGTERM instead of dying of it; outside the main thread, where Python takes no signals, do nothing."""
    interruption = Interruption()
    with sigterm_handled(interruption.request):
        yield interruption
