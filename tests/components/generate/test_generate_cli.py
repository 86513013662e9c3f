from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from intclass.components.generate.__main__ import main
from intclass.components.shared.command import application
from intclass.components.shared.manifest import read_manifest
from intclass.components.shared.records import FUNCTIONS, read_table

FAMILIES = "forward,backward,parts,liouville,chebyshev,disguised"
COMMAND = [sys.executable, "-m", "intclass.components.generate"]


def call(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False, env=environment)


def wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def running(tmp_path: Path) -> subprocess.Popen[str]:
    """A long run with two workers that are both at work, in a process group of its own."""
    process = subprocess.Popen(
        [*COMMAND, "--count", "1000000", "--internal-nodes", "8", "--workers", "2", "--out", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: len(workers_of(process)) == 2)
    return process


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(process.pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    return []


def test_a_run_tells_what_came_of_it(tmp_path: Path) -> None:
    out = tmp_path / "functions"
    result = call("--count", "40", "--internal-nodes", "2-3", "--grammar", "lample-charton", "--out", str(out))
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("40 functions from ")
    assert f"next: intclass integrate {out} --out OUTCOMES" in result.stdout
    assert f"--start-index {read_manifest(out).counts['next_index']}" in result.stdout
    assert len(read_table(out, FUNCTIONS)) == 40


def test_hash_seeds_change_nothing(tmp_path: Path) -> None:
    tables = []
    for hash_seed in ("1", "2"):
        arguments = ["--count", "80", "--internal-nodes", "6", "--families", FAMILIES, "--workers", "1"]
        arguments += ["--out", str(tmp_path / hash_seed)]
        result = call(*arguments, hash_seed=hash_seed)
        assert result.returncode == 0, result.stderr
        tables.append((tmp_path / hash_seed / "functions.parquet").read_bytes())
    assert tables[0] == tables[1]


def test_families_are_chosen_by_weight(tmp_path: Path) -> None:
    out = tmp_path / "functions"
    result = call("--count", "30", "--families", "backward:3,chebyshev", "--workers", "1", "--out", str(out))
    assert result.returncode == 0, result.stderr
    assert "known by construction: " in result.stdout
    assert read_manifest(out).config["families"] == {"backward": 3.0, "chebyshev": 1.0}
    assert set(read_table(out, FUNCTIONS).column("generator").to_pylist()) == {"backward", "chebyshev"}


def test_bad_input_is_one_line_and_2(tmp_path: Path) -> None:
    result = call("--count", "10", "--internal-nodes", "7-3", "--out", str(tmp_path / "out"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: internal nodes 7-3: give a range A-B with 1 <= A <= B <= 50\n"


def test_help_teaches() -> None:
    app = application()
    app.command()(main)
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).stdout
    assert "intclass generate --count 10000 --internal-nodes 3-7 --out functions" in shown
    for option in (
        "--count",
        "--internal-nodes",
        "--grammar",
        "--families",
        "--seed",
        "--start-index",
        "--workers",
        "--out",
    ):
        assert option in shown


def test_ctrl_c_ends_everything_cleanly(running: subprocess.Popen[str], tmp_path: Path) -> None:
    workers = workers_of(running)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors
    assert not any(worker.is_running() for worker in workers)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_workers_do_not_outlive_a_parent_that_is_killed(running: subprocess.Popen[str]) -> None:
    workers = workers_of(running)
    running.kill()
    running.communicate(timeout=60)
    wait_until(lambda: not any(worker.is_running() for worker in workers))
