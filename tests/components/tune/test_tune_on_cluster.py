"""An Experiment whose trials really train: processes of this machine as pods, data and models in the GCS emulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from intclass.components.shared import storage
from intclass.components.tune import read_best
from tests.cluster import Cluster
from tests.cluster.resources import EXPERIMENTS, JOBS, PODS, TRIALS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TINY = ["--epochs", "2", "--hidden-size", "16", "--num-layers", "1", "--num-heads", "2"]
SPACE = "learning_rate: {min: 1e-3, max: 1e-2, log: true}\nreorder_arguments: [true, false]\n"


@pytest.fixture
def cluster(tmp_path: Path, gcs_emulator: str) -> Iterator[Cluster]:
    environment = {"STORAGE_EMULATOR_HOST": gcs_emulator, "OMP_NUM_THREADS": "1"}
    with Cluster(tmp_path / "cluster", environment=environment) as running:
        yield running


def start(cluster: Cluster, dataset: str, folder: Path, *options: str) -> subprocess.Popen[str]:
    space = folder / "space.yaml"
    space.write_text(SPACE)
    out = dataset.replace("examples", "study")
    command = [sys.executable, "-m", "intclass.components.tune", dataset, "--out", out, "--space", str(space)]
    rules = ["--launcher", "kubernetes", "--run", "run-1", "--sampler", "random", "--pruner", "none", "--trials", "4"]
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*command, *rules, *options, "--", *TINY],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("kind", ["job", "pytorchjob"])
def test_an_experiment_outlives_its_launcher_and_gives_the_best_options(
    cluster: Cluster, remote_dataset: str, tmp_path: Path, kind: str
) -> None:
    first = start(cluster, remote_dataset, tmp_path, "--parallel", "2", "--kind", kind)
    cluster.wait_for(lambda: len(cluster.store.all(PODS)) >= 2, seconds=120)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    [experiment] = cluster.store.all(EXPERIMENTS)
    second = start(cluster, remote_dataset, tmp_path, "--parallel", "2", "--kind", kind)
    output = second.communicate(timeout=800)[0]
    assert second.returncode == 0, output
    assert "found, from an earlier attempt of this step" in output
    assert [each["metadata"]["uid"] for each in cluster.store.all(EXPERIMENTS)] == [experiment["metadata"]["uid"]]

    study = remote_dataset.replace("examples", "study")
    best = json.loads(storage.read_text(f"{study}/best.json"))
    table = pq.read_table(_local(f"{study}/trials.parquet", tmp_path)).to_pylist()
    assert [row["state"] for row in table] == ["complete"] * 4
    assert best["values"]["validation_loss"] == min(row["validation_loss"] for row in table)
    assert read_best(study) == {name: table[best["trial"]][name] for name in ("learning_rate", "reorder_arguments")}
    assert all(row["last_epoch"] == 2 for row in table)  # the curves are those of the trials' own logs
    assert "PED-ANOVA" in storage.read_text(f"{study}/report.html")  # four trials tell what mattered
    assert not cluster.store.all(JOBS)  # Katib keeps no job of a trial that has ended
    names = {trial["metadata"]["name"] for trial in cluster.store.all(TRIALS)}
    logs = [file for file in storage.list_files(f"{study}/trials") if "/log-" in file]
    assert {file.split("/")[-2] for file in logs} == names
    assert len(names) == 4
    assert all("\nepoch=2 " in storage.read_text(log) for log in logs)


def test_a_cancelled_run_leaves_nothing(cluster: Cluster, remote_dataset: str, tmp_path: Path) -> None:
    process = start(cluster, remote_dataset, tmp_path)
    cluster.wait_for(lambda: bool(cluster.store.all(PODS)), seconds=120)
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 143, output
    cluster.wait_for(lambda: not cluster.store.all(EXPERIMENTS) and not cluster.store.all(PODS), seconds=60)


def _local(path: str, folder: Path) -> Path:
    copy = folder / Path(path).name
    copy.write_bytes(storage.read_bytes(path))
    return copy
