from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import re
import termios
import threading
import time
from pathlib import Path

import pytest

from intclass.components.shared import progress
from intclass.components.shared.progress import EVENT_FILE_VARIABLE, Progress, State


def state(**changes: object) -> State:
    values: dict[str, object] = {
        "step": "integrate",
        "unit": "functions",
        "total": 400,
        "done": 120,
        "resumed": 0,
        "seconds": 10.0,
    }
    return State(**(values | changes))  # type: ignore[arg-type]


class TestState:
    @pytest.mark.parametrize(
        ("changes", "line"),
        [
            ({}, "integrate: 120/400 (30 %), 12 functions/s, 0:23 left"),
            ({"resumed": 100}, "integrate: 120/400 (30 %), 2 functions/s, 2:20 left"),
            ({"done": 1, "seconds": 100.0}, "integrate: 1/400 (0 %), 0.01 functions/s, 11:05:00 left"),
            ({"done": 400}, "integrate: 400/400 (100 %), 40 functions/s, 0:10"),
            ({"done": 0}, "integrate: 0/400 (0 %)"),
            ({"done": 100, "resumed": 100}, "integrate: 100/400 (25 %)"),
            ({"total": 0, "done": 0}, "integrate: 0/0 (100 %)"),
            ({"seconds": 0.0}, "integrate: 120/400 (30 %)"),
            (
                {"kinds": {"unknown": 70, "elementary": 50}},
                "integrate: 120/400 (30 %), 12 functions/s, 0:23 left; elementary 50, unknown 70",
            ),
            ({"done": 0, "kinds": {"unknown": 0}}, "integrate: 0/400 (0 %), unknown 0"),
        ],
    )
    def test_line(self, changes: dict[str, object], line: str) -> None:
        assert state(**changes).line == line


class TestPlainLines:
    def test_the_first_and_the_last_line_are_always_printed(self) -> None:
        stream = io.StringIO()
        with Progress("read", total=3, unit="rows", stream=stream) as steps:
            for _ in range(3):
                steps.update()
        first, last = stream.getvalue().splitlines()
        assert first == "read: 0/3 (0 %)"
        assert last.startswith("read: 3/3 (100 %), ")

    def test_the_rate_is_of_this_run(self) -> None:
        stream = io.StringIO()
        with Progress("read", total=1000, unit="rows", stream=stream) as steps:
            steps.resume(900, old=900)
            time.sleep(0.2)
            steps.update(50, new=50)
        last = stream.getvalue().splitlines()[-1]
        match = re.fullmatch(r"read: 950/1000 \(95 %\), (\S+) rows/s, 0:00 left; new 50, old 900", last)
        assert match
        assert 50 < float(match[1]) <= 250

    def test_lines_between_come_at_most_at_the_interval(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(progress, "LINE_INTERVAL_SECONDS", 0.1)
        stream = io.StringIO()
        with Progress("read", total=6, stream=stream) as steps:
            for wait in (0, 0, 0.11, 0, 0, 0.11):
                time.sleep(wait)
                steps.update()
        counts = [line.split()[1] for line in stream.getvalue().splitlines()]
        assert counts == ["0/6", "3/6", "6/6", "6/6"]

    def test_an_error_still_leaves_the_last_line(self) -> None:
        stream = io.StringIO()
        with contextlib.suppress(KeyboardInterrupt), Progress("read", total=3, stream=stream) as steps:
            steps.update()
            raise KeyboardInterrupt
        assert stream.getvalue().splitlines()[-1].startswith("read: 1/3 (33 %)")


def read_screen(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # how Linux says that the other end is closed
        os.close(descriptor)
        return b""


class TestTerminal:
    def draw(self, columns: int) -> str:
        main, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (24, columns))
        with os.fdopen(terminal, "w") as stream, Progress("integrate", total=4, stream=stream) as steps:
            steps.resume(2)
            time.sleep(0.15)
            steps.update(2, unknown=1, elementary=1)
        return b"".join(iter(lambda: read_screen(main), b"")).decode()

    def test_gets_a_bar_with_rate_and_kinds(self) -> None:
        threads = threading.active_count()
        *_, last, end = self.draw(120).split("\r")
        assert end == "\n"
        match = re.fullmatch(
            r"integrate: 100%\|█+\| 4/4 \[00:00<00:00, (\S+) functions/s, elementary=1, unknown=1\]", last
        )
        assert match
        assert float(match[1]) <= 2 / 0.15
        assert threading.active_count() == threads

    def test_without_columns_gets_plain_lines(self) -> None:
        first, last = self.draw(0).splitlines()
        assert first == "integrate: 0/4 (0 %)"
        assert last.startswith("integrate: 4/4 (100 %), ")


class TestEvents:
    def test_every_state_that_is_due_is_one_json_line(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(EVENT_FILE_VARIABLE, str(tmp_path / "events"))
        monkeypatch.setattr(progress, "EVENT_INTERVAL_SECONDS", 0.0)
        with Progress("read", total=2, unit="rows", stream=io.StringIO()) as steps:
            steps.update(1, good=1)
            steps.update(1, bad=1)
        events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
        assert [event["done"] for event in events] == [0, 1, 2, 2]
        assert events[-1]["kinds"] == {"good": 1, "bad": 1}
        [process] = {event["process"] for event in events}
        assert process.startswith(f"{os.getpid()}-")
        event = {key: value for key, value in events[-1].items() if key != "process"}
        assert State(**event).line.startswith("read: 2/2 (100 %)")

    def test_events_between_are_thinned_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(EVENT_FILE_VARIABLE, str(tmp_path / "events"))
        monkeypatch.setattr(progress, "EVENT_INTERVAL_SECONDS", 60.0)
        with Progress("read", total=100, stream=io.StringIO()) as steps:
            for _ in range(100):
                steps.update()
        assert len((tmp_path / "events").read_text().splitlines()) == 2
