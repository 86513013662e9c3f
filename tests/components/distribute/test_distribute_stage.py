"""Training for real: processes of this machine as pods, gloo between them, data and model in the GCS emulator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from intclass.components.shared import images
from intclass.components.shared.manifest import read_manifest
from tests.cluster import Cluster
from tests.cluster.podman import lacks
from tests.cluster.resources import PODS, PYTORCHJOBS, TRAINJOBS, Resource

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SMALL = ["--epochs", "3", "--batch-tokens", "256", "--hidden-size", "32", "--num-layers", "2", "--num-heads", "2"]


@pytest.fixture
def cluster(tmp_path: Path, gcs_emulator: str) -> Iterator[Cluster]:
    # Many processes on few cores: one thread each.
    environment = {"STORAGE_EMULATOR_HOST": gcs_emulator, "OMP_NUM_THREADS": "1"}
    with Cluster(tmp_path / "cluster", environment=environment) as running:
        yield running


def start(cluster: Cluster, dataset: str, *options: str, training: list[str] = SMALL) -> subprocess.Popen[str]:
    """The command, in a process of its own, as a step's pod runs it."""
    out = dataset.replace("examples", "model")
    command = [sys.executable, "-m", "intclass.components.distribute", dataset, "--out", out, "--run", "run-1"]
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [*command, *options, "--", *training],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    output = process.communicate(timeout=800)[0]
    assert process.returncode == 0, output
    return output


@pytest.mark.parametrize(("launcher", "resource"), [("pytorchjob", PYTORCHJOBS), ("trainjob", TRAINJOBS)])
def test_three_nodes_train_one_model(cluster: Cluster, dataset: str, launcher: str, resource: Resource) -> None:
    output = finish(start(cluster, dataset, "--launcher", launcher, "--nodes", "3"))
    manifest = read_manifest(dataset.replace("examples", "model"))
    assert manifest.counts["ranks"] == 3
    assert "validation_loss=" in output  # the log of rank 0
    assert f"validation accuracy {manifest.stats['validation_accuracy']:.3f}, 3 nodes" in output
    assert len(cluster.store.all(resource)) == 1


def test_a_master_and_two_workers_train_in_containers(tmp_path: Path, gcs_emulator: str, dataset: str) -> None:
    if reason := lacks(images.TRAIN):
        pytest.skip(f"NOT TESTED in containers: {reason}")
    environment = {"STORAGE_EMULATOR_HOST": gcs_emulator, "OMP_NUM_THREADS": "1"}
    with Cluster(tmp_path / "cluster", environment=environment, containers=True) as cluster:
        output = finish(start(cluster, dataset, "--launcher", "pytorchjob", "--nodes", "3"))
    assert read_manifest(dataset.replace("examples", "model")).counts["ranks"] == 3
    assert "validation_loss=" in output


def test_an_evicted_worker_and_a_killed_launcher_cost_no_model(cluster: Cluster, dataset: str) -> None:
    training = [*SMALL, "--epochs", "12", "--patience", "12", "--checkpoint-every", "5"]
    options = ("--launcher", "pytorchjob", "--nodes", "2")
    first = start(cluster, dataset, *options, training=training)
    assert first.stdout is not None
    for line in first.stdout:
        if "epoch=2" in line:
            break
    [job] = cluster.store.all(PYTORCHJOBS)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    cluster.evict("run-1-distribute-worker-0")
    output = finish(start(cluster, dataset, *options, training=training))
    assert "found, from an earlier attempt of this step" in output
    assert [j["metadata"]["uid"] for j in cluster.store.all(PYTORCHJOBS)] == [job["metadata"]["uid"]]
    assert read_manifest(dataset.replace("examples", "model")).counts["ranks"] == 2


def test_a_cancelled_run_leaves_nothing(cluster: Cluster, dataset: str) -> None:
    process = start(cluster, dataset, "--launcher", "pytorchjob", "--nodes", "2")
    cluster.wait_for(lambda: sum(pod["status"]["phase"] == "Running" for pod in cluster.store.all(PODS)) == 2)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 143, output
    cluster.wait_for(lambda: not cluster.store.all(PYTORCHJOBS) and not cluster.store.all(PODS), seconds=60)


def test_two_processes_under_torchrun_here(cluster: Cluster, dataset: str) -> None:
    finish(start(cluster, dataset, "--launcher", "local", "--nodes", "2"))
    assert read_manifest(dataset.replace("examples", "model")).counts["ranks"] == 2
