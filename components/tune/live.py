"""A study while it runs: a table on a terminal, a line for each trial that ends elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from intclass.components.shared.progress import Progress
from intclass.components.tune.results import Outcome, Trial
from intclass.components.tune.space import Value

_ROWS: Final = 15
_INTERVAL_SECONDS: Final = 1.0
_ENDED: Final = ("complete", "pruned", "failed")
_STYLES: Final = {"complete": "green", "pruned": "yellow", "failed": "red"}


class LiveTable:
    """Shows a study's trials; use it in a `with` statement."""

    def __init__(self, total: int, *, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._progress = Progress("tune", total=total, unit="trials", silent=self._live is not None)
        self._told: set[int] = set()
        self._total, self._shown = total, 0.0
        self._began = False

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        self._progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()
        self._progress.__exit__(kind, error, trace)

    def show(self, look: Callable[[], Outcome], *, now: bool = False) -> None:
        """Look how the study stands and show it, at most once a second unless it has to be now."""
        if not now and time.monotonic() - self._shown < _INTERVAL_SECONDS:
            return
        outcome, self._shown = look(), time.monotonic()
        ended = [trial for trial in outcome.trials if trial.state in _ENDED and trial.number not in self._told]
        self._told |= {trial.number for trial in ended}
        kinds = Counter(trial.state for trial in ended)
        if ended and self._began:
            self._progress.update(len(ended), **kinds)
        elif ended:  # of an earlier driver
            self._progress.resume(len(ended), **kinds)
        self._began = True
        if self._live:
            self._live.update(Group(_headline(outcome, self._total), _table(outcome)), refresh=True)
        else:
            for trial in ended:
                self._console.print(_line(trial, outcome), soft_wrap=True, highlight=False)


def _headline(outcome: Outcome, total: int) -> Text:
    counts = Counter(trial.state for trial in outcome.trials)
    parts = [f"{number} {state}" for state, number in counts.items()]
    best = ""
    if outcome.complete:
        values = outcome.best.values or []
        named = (f"{goal.name}={value:.5g}" for goal, value in zip(outcome.goals, values, strict=True))
        best = f"; best trial {outcome.best.number}: {' '.join(named)}"
    return Text(f"tune, {outcome.title}: {total} trials; {', '.join(parts)}{best}")


def _table(outcome: Outcome) -> Table:
    """The trials that run, and the best of those that have ended."""
    table = Table("trial", "state", "epoch", *(goal.name for goal in outcome.goals), *outcome.space.names)
    running = [trial for trial in outcome.trials if trial.state not in _ENDED]
    best = sorted(outcome.complete, key=lambda trial: outcome.goals[0].key((trial.values or [0.0])[0]))
    for trial in [*running, *best][:_ROWS]:
        table.add_row(
            str(trial.number),
            trial.state,
            str(max(trial.curve, default=0)),
            *_values(trial, outcome),
            *(written(trial.point, name) for name in outcome.space.names),
            style=_STYLES.get(trial.state),
        )
    return table


def _values(trial: Trial, outcome: Outcome) -> list[str]:
    if trial.values is not None:
        return [f"{value:.5g}" for value in trial.values]
    last = [f"{list(trial.curve.values())[-1]:.5g}"] if trial.curve else [""]
    return [*last, *[""] * (len(outcome.goals) - 1)]


def _line(trial: Trial, outcome: Outcome) -> str:
    """`trial=7 state=complete validation_loss=0.31 learning_rate=0.001`."""
    named = {goal.name: text for goal, text in zip(outcome.goals, _values(trial, outcome), strict=True)}
    point = {name: written(trial.point, name) for name in trial.point}
    reason = {"error": repr(trial.error)} if trial.error else {}
    parts = {"trial": trial.number, "state": trial.state, "epoch": max(trial.curve, default=0), **named, **point}
    return " ".join(f"{name}={value}" for name, value in {**parts, **reason}.items() if value != "")


def written(point: Mapping[str, Value], name: str) -> str:
    """A parameter's value as a reader wants it; empty where it is closed."""
    value = point.get(name, "")
    return f"{value:.4g}" if isinstance(value, float) else str(value)
