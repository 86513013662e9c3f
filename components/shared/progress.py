"""Progress with rate and time left: a bar on a terminal, plain lines elsewhere (a pod's log, a file, a pipe).

A process that watches several stages names a file in INTCLASS_PROGRESS_FILE; then each state is also appended there as
one JSON line, `{"process": 17, "step": "integrate", "done": 120, "total": 400, ...}`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from tqdm import tqdm

LINE_INTERVAL_SECONDS: Final = 5.0
EVENT_INTERVAL_SECONDS: Final = 0.2
EVENT_FILE_VARIABLE: Final = "INTCLASS_PROGRESS_FILE"

_LOADED: Final = time.time_ns()  # beside its id this tells a process from one in another container


@dataclass(frozen=True, kw_only=True)
class State:
    """How far a step is. `resumed` items were done by an earlier run and are left out of the rate."""

    step: str
    unit: str
    total: int
    done: int
    resumed: int
    seconds: float
    kinds: Mapping[str, int] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """As `integrate: 120/400 (30 %), 8.3 functions/s, 0:34 left; elementary 50, unknown 70`."""
        percent = 100 * self.done // self.total if self.total else 100
        return f"{self.step}: {self.done}/{self.total} ({percent} %)" + (f", {self.note}" if self.note else "")

    @property
    def note(self) -> str:
        """The rate, the time left (at the end: the time taken) and the kinds."""
        parts = []
        rate = (self.done - self.resumed) / self.seconds if self.seconds > 0 else 0.0
        if rate > 0:
            left = (self.total - self.done) / rate
            parts += [f"{rate:.3g} {self.unit}/s", f"{_clock(left)} left" if left > 0 else _clock(self.seconds)]
        kinds = ", ".join(f"{name} {number}" for name, number in sorted(self.kinds.items()))
        return "; ".join(text for text in [", ".join(parts), kinds] if text)


class _Bar(tqdm):  # type: ignore[type-arg] # generic in its stubs only
    """A bar without tqdm's monitor thread: stages fork, and threads and forks do not mix."""

    monitor_interval = 0


class Progress:
    """Counts `total` items of one step; keyword arguments of `update` count kinds beside the total.

    Of the plain lines the first and the last are always printed, those between at most every five seconds. With
    `silent` nothing is: one of several processes that do the same step speaks for all.
    """

    def __init__(
        self,
        step: str,
        *,
        total: int,
        unit: str = "functions",
        stream: TextIO | None = None,
        silent: bool = False,
    ) -> None:
        self.step, self.total, self.unit = step, total, unit
        self._silent = silent
        self.done = 0
        self.kinds: Counter[str] = Counter()
        self._resumed = 0
        self._start = self._last_line = time.monotonic()
        self._last_event = 0.0
        self._stream = stream or sys.stderr
        self._bar: _Bar | None = None
        if _is_terminal(self._stream) and not silent:
            self._bar = _Bar(
                total=total, desc=step, unit=f" {unit}", smoothing=0, file=self._stream, dynamic_ncols=True
            )

    @property
    def state(self) -> State:
        """How far the step is now."""
        return State(
            step=self.step,
            unit=self.unit,
            total=self.total,
            done=self.done,
            resumed=self._resumed,
            seconds=time.monotonic() - self._start,
            kinds=dict(self.kinds),
        )

    def resume(self, done: int, **kinds: int) -> None:
        """Items that an earlier run finished: counted as done, left out of the rate."""
        self._resumed += done
        if self._bar is not None:
            self._bar.initial += done
        self.update(done, **kinds)

    def update(self, count: int = 1, **kinds: int) -> None:
        """`count` more items are done, among them so many of each kind."""
        self.done += count
        self.kinds.update(kinds)
        self._emit()
        if self._bar is not None:
            self._bar.set_postfix(dict(sorted(self.kinds.items())), refresh=False)
            self._bar.update(count)
        elif time.monotonic() - self._last_line >= LINE_INTERVAL_SECONDS:
            self._print_line()

    def __enter__(self) -> Self:
        self._emit(always=True)
        if self._bar is None:
            self._print_line()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._emit(always=True)
        if self._bar is not None:
            self._bar.close()
        else:
            self._print_line()

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        if self._silent:
            return
        self._stream.write(self.state.line + "\n")
        self._stream.flush()

    def _emit(self, *, always: bool = False) -> None:
        path = os.environ.get(EVENT_FILE_VARIABLE)
        now = time.monotonic()
        if self._silent or not path or not (always or now - self._last_event >= EVENT_INTERVAL_SECONDS):
            return
        self._last_event = now
        event = {"process": f"{os.getpid()}-{_LOADED}", **asdict(self.state)}
        with Path(path).open("a") as file:  # one short write in append mode: lines of several processes never mix
            file.write(json.dumps(event) + "\n")


def _is_terminal(stream: TextIO) -> bool:
    """Whether a bar can be drawn; a pseudo-terminal that nobody looks at has no columns to draw it in."""
    return stream.isatty() and os.get_terminal_size(stream.fileno()).columns > 0


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
