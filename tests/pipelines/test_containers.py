"""Each step of the pipeline in a container of its own image, by Podman in a Docker engine's place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from intclass.components.shared import images, records
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.kube.containers import USER
from intclass.pipelines import containers
from intclass.pipelines.local import RunFailedError, run_pipeline
from intclass.pipelines.presets import find_preset
from tests.cluster.podman import lacks

EVERY = (images.CPU, images.TRAIN, images.LAUNCH, images.SERVE)
SCRIPT = "import sys; from intclass.pipelines.cli import main; sys.argv[0] = 'intclass'; main()"


def test_an_unknown_runner_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no runner 'lorry'; there are process, docker, podman"):
        run_pipeline({}, tmp_path / "run", runner="lorry")
    assert not (tmp_path / "run").exists()


def test_without_an_engine_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")
    with pytest.raises(ConfigError, match=r"no container engine answers .*DOCKER_HOST"):
        run_pipeline({}, tmp_path / "run", runner="docker")


def test_without_podman_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="apt-get install podman"):
        run_pipeline({}, tmp_path / "run", runner="podman")


def test_a_task_may_do_no_more_than_on_a_cluster(tmp_path: Path) -> None:
    grammar = tmp_path / "grammar.yaml"
    grammar.write_text("")
    arguments = {"grammar": str(grammar), "work_dir": str(tmp_path / "run" / "work"), "served": "", "count": 5}
    options = containers.container_options("docker", tmp_path / "run", tmp_path / "run" / "events", arguments)
    assert options["read_only"]
    assert options["cap_drop"] == ["ALL"]
    assert not options["user"].startswith("0:")
    mounts = {mount["Target"]: mount["ReadOnly"] for mount in options["mounts"]}
    assert mounts == {str(tmp_path / "run"): False, str(grammar): True}


def test_what_tasks_write_to_is_their_users(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").write_text("")
    containers.hand_over(tmp_path / "old", tmp_path / "new")
    owners = {path.stat().st_uid for path in [tmp_path / "old", tmp_path / "old" / "file", tmp_path / "new"]}
    assert owners == {os.getuid() or USER}


@pytest.fixture
def engine() -> Iterator[None]:
    if shutil.which("podman") is None:
        pytest.skip("NOT TESTED: no podman")
    with containers.answering("podman"):
        yield


@pytest.mark.slow
def test_a_missing_image_is_named_with_the_way_out(engine: None, tmp_path: Path) -> None:
    pipeline = tmp_path / "pipeline.yaml"
    pipeline.write_text("deploymentSpec: {executors: {exec-one: {container: {image: 'nobody/nothing:1'}}}}")
    with pytest.raises(ConfigError, match="no image nobody/nothing:1 here; build them with `make images`"):
        containers.images_fingerprint(pipeline)


@pytest.fixture
def every_image() -> None:
    if reason := lacks(*EVERY):
        pytest.skip(f"NOT TESTED in containers: {reason}")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_each_step_runs_in_its_own_image(every_image: None, tmp_path: Path) -> None:
    out = tmp_path / "smoke"
    command = [sys.executable, "-c", SCRIPT, "run", "--runner", "podman", "--preset", "smoke", "--out", str(out)]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=800)
    log = (out / "run.log").read_text()
    assert done.returncode == 0, done.stderr + log[-5000:]
    for image in EVERY:
        assert f"Image {image}" in log
    assert "integrate: 240/240 (100 %)" in done.stderr  # two containers, added up
    assert records.read_table(out / "functions", records.FUNCTIONS).num_rows == 240
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    manifest = json.loads((out / "model" / "manifest.json").read_text())
    assert manifest["stage"] == "finetune"
    owners = {path.stat().st_uid for path in (out / "artifacts").rglob("*")}
    assert owners == {os.getuid() or USER}


@pytest.mark.slow
def test_a_step_that_fails_fails_the_run_and_leaves_no_container(every_image: None, tmp_path: Path) -> None:
    arguments = {**find_preset("smoke").arguments, "count": 5, "engines": "nobody"}
    with pytest.raises(RunFailedError, match=r"integrate: .*nobody"):
        run_pipeline(arguments, tmp_path / "run", runner="podman")
    left = subprocess.run(
        ["podman", "ps", "--all", "--quiet", "--filter", f"label=intclass.run={tmp_path / 'run'}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert left.stdout == ""
