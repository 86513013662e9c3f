"""Where a driver's trials train: what it asks of processes of this machine and of Jobs on a cluster alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

from intclass.components.shared import storage

Slot = Mapping[str, str]

TOKENS: Final = "tokens"  # token ids that trials share, in the study's folder while it goes on
_CACHE_VARIABLE: Final = "INTCLASS_TOKEN_CACHE"  # finetune.token_cache's, which would import transformers


def shared_variables(out: str) -> Slot:
    """The environment variables of all trials of the study in folder `out`."""
    return {_CACHE_VARIABLE: storage.join(out, TOKENS)}


class Worker(Protocol):
    """One trial, as the driver that follows it sees it; at most one process of it runs at any time."""

    def start(self, arguments: Sequence[str], environment: Slot) -> None:
        """Run `python ARGUMENTS...`. Where there is no room yet nothing is started, and it is asked for again."""

    @property
    def is_running(self) -> bool:
        """Whether it trains, or waits to."""

    @property
    def exit_code(self) -> int | None:
        """Of what has run last; None where that is not known, or nothing has."""

    @property
    def given_up(self) -> str:
        """Why it is not to be started again, whatever the driver thinks; empty if it may be."""

    def new_lines(self) -> Iterator[str]:
        """The whole lines that it has printed since the last call."""

    def last_words(self) -> str:
        """The error that it ended with, or its last line."""

    def cpu_seconds(self) -> float:
        """What it has used under this driver, as far as that can be known."""

    def ask_to_end(self) -> None:
        """Let it write a checkpoint and end."""

    def kill(self) -> None:
        """End it now; returns when that has happened."""

    def wait(self, seconds: float) -> bool:
        """Wait for it to end; whether it has."""

    def keep_log(self) -> None:
        """See to it that its log lies in the trial's folder."""

    def close(self) -> None:
        """Let go of it."""


class Executor(Protocol):
    """Makes the workers of a study."""

    @property
    def slots(self) -> Sequence[Slot]:
        """Room for trials: the environment of each that may run at the same time."""

    @property
    def step_seconds(self) -> float:
        """How often trials are looked at."""

    @property
    def leaves_running(self) -> bool:
        """Whether trials train on for the next driver when this one ends."""

    def look(self) -> None:
        """Find out how all trials are getting on; called before each round of questions to the workers."""

    def tidy(self, ended: Mapping[int, str]) -> None:
        """Put away what an earlier driver, killed, has left of trials that have ended, by number and folder."""

    def claim(self, number: int, folder: str) -> Worker | None:
        """The trial of that number, whose files lie in the folder, or None if another driver follows it."""
