from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from intclass.components.shared.progress import EVENT_FILE_VARIABLE, Progress
from intclass.pipelines.monitor import Monitor


@pytest.fixture
def events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "progress.jsonl"
    path.touch()
    monkeypatch.setenv(EVENT_FILE_VARIABLE, str(path))
    return path


def _work(step: str, total: int) -> None:
    with Progress(step, total=total, stream=io.StringIO()) as progress:
        progress.update(total, elementary=1)


def test_lines_show_each_step_once_when_it_is_done(events: Path) -> None:
    output = io.StringIO()
    with Monitor(events, console=Console(file=output, width=200)) as monitor:
        _work("generate", 10)
        monitor.refresh()
        _work("integrate", 5)
        monitor.refresh()
        monitor.refresh()
    lines = output.getvalue().splitlines()
    assert [line.split(", ")[0] for line in lines] == ["generate: 10/10 (100 %)", "integrate: 5/5 (100 %)"]
    assert all(line.endswith("elementary 1") for line in lines)


def test_processes_on_one_step_are_added_up(events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    with Monitor(events, console=Console(file=output, width=200)) as monitor:
        for process in (1, 2):
            monkeypatch.setattr("os.getpid", lambda process=process: process)
            _work("integrate", 5)
        monitor.refresh()
    assert "integrate: 10/10 (100 %)" in output.getvalue()
    assert "elementary 2" in output.getvalue()


def test_a_terminal_shows_bars(events: Path) -> None:
    output = io.StringIO()
    with Monitor(events, console=Console(file=output, width=200, force_terminal=True)) as monitor:
        _work("finetune", 7)
        monitor.refresh()
    assert "finetune" in output.getvalue()
    assert "7/7" in output.getvalue()


def test_half_a_line_waits_for_its_other_half(events: Path) -> None:
    output = io.StringIO()
    with Monitor(events, console=Console(file=output, width=200)) as monitor:
        _work("generate", 3)
        whole = events.read_text()
        events.write_text(whole[:-20])
        monitor.refresh()
        events.write_text(whole)
        monitor.refresh()
    assert "generate: 3/3 (100 %)" in output.getvalue()
