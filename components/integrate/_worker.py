"""A worker: one forked process that performs one role, step after step, until it is killed or its socket closes."""

from __future__ import annotations

import importlib
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol, Self

from intclass.components.integrate._channel import Channel, Message
from intclass.components.integrate._processes import limit_own_memory


class Performer(Protocol):
    """What does a role's steps. Made once in a worker; `prepare` runs before the fork, in a process without threads."""

    def perform(self, payload: Message) -> Message:
        """Do one step: plain JSON in, plain JSON out."""


class Fate(StrEnum):
    """How a step ended."""

    DONE = "done"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Role:
    """A kind of worker.

    Attributes:
        name: Unique within a pool.
        target: `module:Class` of the performer; the class may have a classmethod `prepare(**settings)` that imports
            and warms what its workers share.
        settings: Keyword arguments of the class, plain JSON.
        own_memory: Whether the work happens in the worker itself, so that its allocations are limited, and not in a
            child process of it, which is only watched.
        steps: After so many steps the worker is replaced, so that what it leaks stays bounded.
    """

    name: str
    target: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    own_memory: bool = True
    steps: int = 500

    def to_json(self) -> dict[str, Any]:
        """The role as plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The role from plain JSON."""
        return cls(**record)

    def performer_class(self) -> Any:  # noqa: ANN401 - found by name
        """The class that `target` names."""
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)

    def prepare(self) -> None:
        """Import the performer and let it warm what its workers will share."""
        prepare = getattr(self.performer_class(), "prepare", None)
        if prepare is not None:
            prepare(**self.settings)

    def make(self) -> Performer:
        """A performer, in a worker."""
        performer: Performer = self.performer_class()(**self.settings)
        return performer


def work(connection: socket.socket, role: Role, *, memory_bytes: int) -> None:
    """Perform steps until the socket closes.

    The worker first says its process id, then, when its performer is made, that it is ready: starting is not part of
    any step's time.
    """
    channel = Channel(connection)
    channel.send({"pid": os.getpid()})
    if role.own_memory:
        limit_own_memory(memory_bytes)
    try:
        performer = role.make()
    except BaseException as error:
        channel.send({"failed": describe(error)})
        return
    channel.send({"ready": True})
    while (payload := channel.receive()) is not None:
        channel.send(_perform(performer, payload))


def _perform(performer: Performer, payload: Message) -> Message:
    try:
        return {"fate": Fate.DONE, "result": performer.perform(payload)}
    except MemoryError:
        return {"fate": Fate.MEMORY}
    except BaseException as error:  # also SystemExit and KeyboardInterrupt, whoever raised them
        return {"fate": Fate.ERROR, "reason": describe(error)}


def describe(error: BaseException) -> str:
    """An exception on one short line."""
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
