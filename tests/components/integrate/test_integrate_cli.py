from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from intclass.components.integrate.__main__ import main
from intclass.components.shared.command import run
from intclass.components.shared.manifest import read_manifest

SCRIPTED = "scripted_engine:ScriptedEngine"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., object]]:
    """Runs the command in a folder with a file of functions; returns the exit code."""
    (tmp_path / "mine.jsonl").write_text(
        '{"integrand": "3*x"}\n{"integrand": "2*x"}\n{"integrand": "y"}\n{"integrand": "exp(x**3)"}\n'
    )
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> object:
        monkeypatch.setattr(sys, "argv", ["integrate", *arguments])
        with pytest.raises(SystemExit) as stop:
            run(main)
        return stop.value.code

    yield call
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_an_indexed_jobs_pod_does_its_shard_and_says_what_came_out(
    command: Callable[..., object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    options = ("--engines", SCRIPTED, "--workers", "1", "--limit-seconds", "5", "--num-shards", "2")
    assert command("mine.jsonl", "--out", "out", *options) == 0
    printed, progress = capsys.readouterr()
    place = "out/shard-00001-of-00002"
    assert printed.splitlines() == ["2 functions: elementary 1, nonelementary 1, unknown 0", f"outcomes: {place}"]
    assert "integrate: 2/2 (100 %)" in progress
    assert read_manifest(place).config["shard"] == 1


def test_the_scheduler_is_the_users_choice(command: Callable[..., object]) -> None:
    assert command("mine.jsonl", "--out", "out", "--engines", SCRIPTED, "--workers", "1", "--scheduler", "steal") == 0
    assert read_manifest("out").stats["scheduler"] == "steal"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no.csv",), "error: no.csv: no such file"),
        (("mine.jsonl", "--engines", "maple"), "error: no engine 'maple'; there are fricas, sympy, giac"),
        (("mine.jsonl", "--limit-seconds", "-1"), "error: --limit-seconds -1.0 must be more than 0"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    command: Callable[..., object], arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*arguments, "--out", "out") == 2
    errors = capsys.readouterr().err
    assert errors.startswith(message)
    assert errors.count("\n") == 1
