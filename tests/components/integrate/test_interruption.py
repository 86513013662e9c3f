"""The stage as a program that is interrupted, terminated and killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from intclass.components.integrate.engines import is_available
from intclass.components.shared.manifest import is_complete
from intclass.components.shared.records import OUTCOMES, read_table

HOSTILE = "hostile_engines:HostileEngine"

Processes = Callable[[], list[psutil.Process]]
pytestmark = pytest.mark.usefixtures("engines_on_path")


def _start(functions: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "intclass.components.integrate", str(functions), "--out", str(out), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def _wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _rows(out: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read_table(out, OUTCOMES).to_pylist()
    return rows


def _without_times(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    timeless = []
    for row in rows:
        answers = [{**answer, "seconds": 0} for answer in row["answers"]]
        timeless.append({**row, "seconds": 0, "answers": answers})
    return timeless


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_and_sigterm_keep_what_is_done_and_leave_nobody(
    tmp_path: Path, marked_processes: Processes, number: int, code: int
) -> None:
    functions, out = tmp_path / "mine.csv", tmp_path / "out"
    functions.write_text("integrand\n1\n2\n3\nx+1\nx+6\n")
    process = _start(functions, out, "--engines", HOSTILE, "--limit-seconds", "1000", "--workers", "2")
    journal = out / "journal" / "integrate-00000-of-00001.journal"
    _wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") == 3)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in errors
    assert journal.read_bytes().count(b"\n") == 3
    assert not is_complete(out)


FAULT_FUNCTIONS = [
    *(f"{n}" for n in range(1, 9)),
    *(f"x**{n}" for n in range(2, 9)),
    "x+2",
    "x+3",
    "x+5",
    "exp(x**2)",
    "not a function",
    *(f"{n}*x" for n in range(2, 7)),
]


def _fault_run(
    tmp_path: Path, processes: Processes, functions: Sequence[str], *, engines: str, kills: int, seed: int
) -> None:
    """Kill random processes of the stage, each after a random number of rows; then let it finish."""
    file, out = tmp_path / "mine.csv", tmp_path / "out"
    file.write_text("integrand\n" + "".join(f"{text}\n" for text in functions))
    options = ("--engines", engines, "--limit-seconds", "60", "--workers", "2")
    undisturbed = _start(file, tmp_path / "undisturbed", *options)
    _, errors = undisturbed.communicate(timeout=300)
    assert undisturbed.returncode == 0, errors
    rng = random.Random(seed)
    due = sorted(rng.uniform(0, 0.9 * len(functions)) for _ in range(kills))
    while True:
        process = _start(file, out, *options)
        while process.poll() is None:
            time.sleep(rng.uniform(0.0, 0.02))
            if due and _rows_written(out) >= due[0] and _kill_one(processes(), rng):
                due.pop(0)
        _, errors = process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, errors
    assert not due, f"it finished {len(due)} kills too early"
    assert _without_times(_rows(out)) == _without_times(_rows(tmp_path / "undisturbed"))


def _rows_written(out: Path) -> int:
    journals = (out / "journal").glob("*.journal")
    try:
        return sum(journal.read_bytes().count(b"\n") for journal in journals)
    except FileNotFoundError:  # deleted a moment ago: the table is complete
        return 0


def _kill_one(processes: list[psutil.Process], rng: random.Random) -> bool:
    if not processes:
        return False
    try:
        rng.choice(sorted(processes, key=lambda process: process.pid)).kill()
    except psutil.NoSuchProcess:
        return False
    return True


SCRIPTED_AND_HOSTILE = "hostile_engines:SleepyEngine,scripted_engine:ScriptedEngine"


def test_killed_at_random_moments_it_still_comes_to_the_same_table(tmp_path: Path, marked_processes: Processes) -> None:
    _fault_run(tmp_path, marked_processes, FAULT_FUNCTIONS, engines=SCRIPTED_AND_HOSTILE, kills=3, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_fifty_times_it_still_comes_to_the_same_table(tmp_path: Path, marked_processes: Processes) -> None:
    functions = [f"{n}*({text})" for n in range(1, 11) for text in FAULT_FUNCTIONS]
    _fault_run(tmp_path, marked_processes, functions, engines=SCRIPTED_AND_HOSTILE, kills=50, seed=2)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not is_available("fricas"), reason="FriCAS is not installed")
def test_fricas_killed_fifty_times_still_comes_to_the_same_table(tmp_path: Path, marked_processes: Processes) -> None:
    functions = [f"{n}*{text}" for n in range(1, 40) for text in ("x*exp(x**2)", "log(log(x))", "1/(x**3+1)", "x**x")]
    _fault_run(tmp_path, marked_processes, functions, engines="fricas", kills=50, seed=3)
