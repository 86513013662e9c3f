"""The whole way through, for real: the committed YAML, run by kfp.local in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from intclass.components.shared import records
from intclass.components.shared.failure import FAILURE_FILE
from intclass.components.shared.manifest import read_manifest
from intclass.pipelines.local import RunFailedError, code_fingerprint, forget_failed_shards, run_pipeline

SCRIPT = "import sys; from intclass.pipelines.cli import main; sys.argv[0] = 'intclass'; main()"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs") / "smoke"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(tmp_path_factory.mktemp("state"))}


@pytest.fixture(scope="module")
def story(out: Path, state: dict[str, str]) -> str:
    command = [sys.executable, "-c", SCRIPT, "run", "--preset", "smoke", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=state, timeout=280)
    assert done.returncode == 0, done.stderr + (out / "run.log").read_text()[-5000:]
    return done.stdout + done.stderr


def test_the_story_is_told(story: str) -> None:
    for step in ("generate: 240/240 (100 %)", "integrate: 240/240 (100 %)"):
        assert step in story
    assert "majority" in story
    for question in ("x*exp(x**2)", "exp(x**2)", "sin(x)/x"):
        assert question in story
    assert "report.html" in story
    assert "intclass predict" in story


def test_everything_lies_where_the_story_says(story: str, out: Path) -> None:
    assert records.read_table(out / "functions", records.FUNCTIONS).num_rows == 240
    examples = records.read_table(out / "dataset", records.EXAMPLES)
    assert examples.num_rows > 50
    assert read_manifest(out / "model").stage == "finetune"
    assert (out / "report.html").read_text().startswith("<!doctype html>")


def test_a_second_run_reuses_what_is_done(story: str, out: Path, state: dict[str, str]) -> None:
    model = (out / "model").resolve()
    command = [sys.executable, "-c", SCRIPT, "run", "--preset", "smoke", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=state, check=True)
    assert "integrate: " not in done.stdout + done.stderr
    assert (out / "model").resolve() == model


def test_predict_takes_the_last_runs_model(story: str, state: dict[str, str]) -> None:
    command = [sys.executable, "-c", SCRIPT, "predict", "x*exp(x**2)", "exp(x**2)"]
    done = subprocess.run(command, capture_output=True, text=True, env=state, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["integrand"] for row in rows] == ["x*exp(x**2)", "exp(x**2)"]
    assert all(0 <= row["probability"] <= 1 for row in rows)


def test_a_failing_task_is_named_with_its_own_error(tmp_path: Path) -> None:
    with pytest.raises(RunFailedError, match=r"generate: .*0-9.*run\.log"):
        run_pipeline({"internal_nodes": "0-9", "count": 5}, tmp_path)


def test_a_shard_that_was_given_up_is_run_again(tmp_path: Path) -> None:
    given_up, finished = (tmp_path / "artifacts" / "run" / name / "outcomes" for name in ("integrate-1", "integrate"))
    for folder, file in ((given_up, FAILURE_FILE), (finished, "manifest.json")):
        folder.mkdir(parents=True)
        (folder / file).write_text("{}")
    forget_failed_shards(tmp_path)
    assert not given_up.exists()  # so kfp.local's cache passes the task over
    assert finished.exists()


def test_interrupting_a_run_leaves_no_process(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    command = [sys.executable, "-c", SCRIPT, "run", "--set", "count=100000", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (log.exists() and "Executing task" in log.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(3)
        family = psutil.Process(process.pid).children(recursive=True)
        assert family
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive


def test_the_code_fingerprint_is_stable_within_one_tree() -> None:
    assert code_fingerprint() == code_fingerprint()
    assert len(code_fingerprint()) == 16
