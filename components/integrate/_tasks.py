"""Steps on their way through the pool: what is asked, how it ended, and which worker has it."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from intclass.components.integrate._channel import NonBlockingChannel
from intclass.components.integrate._worker import Fate, Role

START_SECONDS: Final = 60.0  # a computer algebra system on a busy machine needs a while


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do: which role does it, what it is given, and the wall seconds after which it is killed."""

    role: str
    payload: Mapping[str, Any]
    limit_seconds: float


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a step ended: its result if it is done, else the reason, and its wall seconds."""

    fate: Fate
    seconds: float
    result: Mapping[str, Any] | None = None
    reason: str = ""


@dataclass(eq=False)
class Task:
    """A step on its way through the pool."""

    ticket: int
    step: Step
    attempts: int = 0


class Worker:
    """The pool's view of one worker."""

    def __init__(self, number: int, role: Role, connection: socket.socket) -> None:
        self.number, self.role = number, role
        self.channel = NonBlockingChannel(connection)
        self.pid: int | None = None
        self.ready = False
        self.task: Task | None = None
        self.steps_done = 0
        self.started = time.monotonic()  # the step, or until the worker is ready the worker itself
        self.deadline = self.started + START_SECONDS

    def assign(self, task: Task) -> None:
        """Take on a task; its step begins as soon as the worker is ready."""
        task.attempts += 1
        self.task = task
        if self.ready:
            self.begin()

    def begin(self) -> None:
        """Send the step and start its clock."""
        assert self.task is not None
        self.started = time.monotonic()
        self.deadline = self.started + self.task.step.limit_seconds
        self.channel.post(self.task.step.payload)

    @property
    def limit_seconds(self) -> float:
        """Of the step."""
        assert self.task is not None
        return self.task.step.limit_seconds

    @property
    def elapsed(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.started
