"""What a run looks like while it works: a bar for each step on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from intclass.components.shared.progress import LINE_INTERVAL_SECONDS, State


class Monitor:
    """Reads the progress lines that a run's tasks append to a file and shows one state for each step.

    Processes that work on the same step (the shards of a loop) are added up.
    """

    def __init__(self, events: Path, *, console: Console | None = None) -> None:
        self._events = events
        self._console = console or Console(file=sys.stderr)
        self._offset = 0
        self._states: dict[str, dict[str, State]] = {}
        self._shown: dict[str, tuple[float, str]] = {}
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bars = Bars(
                TextColumn("{task.description:<10}"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[note]}", style="dim"),
                console=self._console,
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def refresh(self) -> None:
        """Read what was appended since the last call and show it."""
        for step in self._read():
            state = _add_up(list(self._states[step].values()))
            if self._bars is None:
                self._show_line(state)
            else:
                self._show_bar(state)

    def _read(self) -> list[str]:
        """Take in the new lines; returns the steps that they were about, in order."""
        with self._events.open() as file:
            file.seek(self._offset)
            whole, newline, _ = file.read().rpartition("\n")
        self._offset += len((whole + newline).encode())
        changed: dict[str, None] = {}
        for line in whole.splitlines():
            event = json.loads(line)
            process = event.pop("process")
            self._states.setdefault(event["step"], {})[process] = State(**event)
            changed[event["step"]] = None
        return list(changed)

    def _show_line(self, state: State) -> None:
        shown, text = self._shown.get(state.step, (0.0, ""))
        finished = state.done >= state.total
        if state.line != text and (finished or not text or time.monotonic() - shown >= LINE_INTERVAL_SECONDS):
            self._shown[state.step] = (time.monotonic(), state.line)
            self._console.print(state.line, highlight=False, soft_wrap=True)

    def _show_bar(self, state: State) -> None:
        assert self._bars is not None
        if state.step not in self._tasks:
            self._tasks[state.step] = self._bars.add_task(state.step, total=state.total, note="")
        self._bars.update(self._tasks[state.step], completed=state.done, total=state.total, note=state.note)


def _add_up(states: list[State]) -> State:
    """One state of all processes that work on the step."""
    kinds: Counter[str] = Counter()
    for state in states:
        kinds.update(state.kinds)
    return State(
        step=states[0].step,
        unit=states[0].unit,
        total=sum(state.total for state in states),
        done=sum(state.done for state in states),
        resumed=sum(state.resumed for state in states),
        seconds=max(state.seconds for state in states),
        kinds=dict(kinds),
    )
