from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = '''
import time
from typing import Annotated

import typer

from intclass.components.shared.command import run
from intclass.components.shared.errors import ConfigError, LostRankError


def main(what: Annotated[str, typer.Argument(help="What to do.")]) -> None:
    """Teach by example: `program greet`."""
    if what == "greet":
        typer.echo("hello")
    elif what == "refuse":
        raise ConfigError("--what refuse: is over the limit\\n  of 3; use greet")
    elif what == "lose":
        raise LostRankError("rank 1 is gone")
    elif what == "fail":
        raise RuntimeError("a fault of ours")
    elif what == "wait":
        typer.echo("waiting")
        time.sleep(60)


if __name__ == "__main__":
    run(main)
'''


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("command") / "program.py"
    path.write_text(PROGRAM)
    return path


def call(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(program), *arguments], capture_output=True, text=True, check=False)


def test_success_is_0(program: Path) -> None:
    result = call(program, "greet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "hello\n", "")


def test_an_error_of_the_users_is_2_and_one_line(program: Path) -> None:
    result = call(program, "refuse")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: --what refuse: is over the limit of 3; use greet\n"


def test_a_lost_rank_is_a_code_that_a_pytorchjob_tries_again(program: Path) -> None:
    result = call(program, "lose")
    assert (result.returncode, result.stderr) == (138, "error: rank 1 is gone\n")


@pytest.mark.parametrize("arguments", [[], ["greet", "--bogus"]])
def test_a_wrong_command_line_is_2_without_a_traceback(program: Path, arguments: list[str]) -> None:
    result = call(program, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Usage: program.py" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_fault_of_ours_is_1_and_shows_where(program: Path) -> None:
    result = call(program, "fail")
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback")
    assert result.stderr.endswith("RuntimeError: a fault of ours\n")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_teaches(program: Path, flag: str) -> None:
    result = call(program, flag)
    assert result.returncode == 0
    assert "Teach by example: program greet." in result.stdout
    assert "What to do." in result.stdout
    assert "completion" not in result.stdout


def test_an_interrupt_is_130_without_a_traceback(program: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(program), "wait"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_a_reader_that_goes_away_is_no_traceback(program: Path) -> None:
    command = f"{sys.executable} {program} greet | true"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in result.stderr
