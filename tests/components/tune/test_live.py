from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from intclass.components.tune.live import LiveTable
from intclass.components.tune.objectives import find_objectives
from intclass.components.tune.reading import parse_space
from intclass.components.tune.results import Outcome, Trial

SPACE = parse_space("dropout: {min: 0.0, max: 0.3}\nschedule: [linear, cosine]\n", source="test")


def outcome(*states: str) -> Outcome:
    trials = [
        Trial(
            number=number,
            state=state,
            point={"dropout": number / 10, "schedule": "linear"},
            values=[0.5 - number / 10] if state == "complete" else None,
            curve={1: 0.7, 2: 0.6} if state != "failed" else {},
            error="no such file" if state == "failed" else "",
        )
        for number, state in enumerate(states)
    ]
    return Outcome(title="tpe", space=SPACE, goals=find_objectives(["validation_loss"]), trials=trials)


def test_elsewhere_than_on_a_terminal_each_trial_that_ends_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with LiveTable(4) as table:
        table.show(lambda: outcome("complete", "running"), now=True)
        table.show(lambda: outcome("complete", "pruned", "failed", "running"), now=True)
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "trial=0 state=complete epoch=2 validation_loss=0.5 dropout=0 schedule=linear",
        "trial=1 state=pruned epoch=2 validation_loss=0.6 dropout=0.1 schedule=linear",
        "trial=2 state=failed epoch=0 dropout=0.2 schedule=linear error='no such file'",
    ]
    assert "tune: 3/4 (75 %)" in captured.err


def test_on_a_terminal_there_is_a_table_of_what_runs_and_what_is_best() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120)
    with LiveTable(4, console=console) as table:
        table.show(lambda: outcome("complete", "complete", "running", "failed"), now=True)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "best trial 1: validation_loss=0.4" in text
    rows = [line for line in text.splitlines() if "complete" in line or "running" in line][-3:]
    assert [row.split("│")[1].strip() for row in rows] == ["2", "1", "0"]


def test_it_looks_at_most_once_a_second(capsys: pytest.CaptureFixture[str]) -> None:
    looks = []

    def look() -> Outcome:
        looks.append(1)
        return outcome("running")

    with LiveTable(1) as table:
        for _ in range(10):
            table.show(look)
    assert looks == [1]
    capsys.readouterr()
