"""The interface of an engine, and the answer it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, ClassVar

from sympy import Expr


class Status(StrEnum):
    """How an engine's attempt ended. What it means for the label is the verdict's business, not the engine's."""

    SOLVED = "solved"  # an antiderivative without an integral sign left in it
    UNEVALUATED = "unevaluated"  # the procedure ended and left the integral standing
    INCOMPLETE = "incomplete"  # the engine says that its procedure lacks a part
    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASHED = "crashed"
    ERROR = "error"
    WRONG = "wrong"  # an antiderivative whose derivative is not the integrand; set by verification
    UNVERIFIED = "unverified"  # an antiderivative that could be neither confirmed nor refuted; set by verification


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One engine's answer to one integrand.

    `antiderivative` is text that `expressions.parse_trusted` reads; `reason` is one line; `seconds` is wall time.
    """

    engine: str
    engine_version: str
    status: Status
    reason: str
    seconds: float
    antiderivative: str | None = None

    def record(self) -> dict[str, Any]:
        """The answer as a row of the outcomes table's `answers` column."""
        return asdict(self)


class Engine(ABC):
    """A computer algebra system inside a worker process that may be killed at any moment.

    An engine is made once in a worker and asked many times. `integrate` may hang, leak or crash: the pool that owns
    the worker holds the limits. An engine with a child process keeps it in the worker's process group, so that killing
    the group leaves nothing behind.
    """

    name: ClassVar[str]

    @property
    @abstractmethod
    def version(self) -> str:
        """The system's version, for the record (`sympy 1.14.0`)."""

    @abstractmethod
    def integrate(self, integrand: Expr, *, limit_seconds: float) -> Answer:
        """An antiderivative in x, or why there is none.

        An engine that can stop itself does so at `limit_seconds` and answers with Status.TIMEOUT; one that cannot is
        killed by the pool shortly after.
        """

    def close(self) -> None:  # noqa: B027 - most engines hold nothing
        """Let go of what the engine holds (a child process)."""
