"""The whole compiled pipeline with its jobs on the test cluster: an Indexed Job integrates, a PyTorchJob trains.

Artifacts go through a bucket in the GCS emulator, from which tasks and jobs alike read and into which they write.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from intclass.components.shared.manifest import read_manifest
from intclass.pipelines.local import RunFailedError, run_pipeline
from intclass.pipelines.presets import find_preset
from tests.cluster import Cluster
from tests.cluster.resources import INFERENCE_SERVICES, JOBS, PODS, PYTORCHJOBS
from tests.pipelines.bucket_launcher import run_through_bucket

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ARGUMENTS = {
    **find_preset("smoke").arguments,
    "launcher": "kubernetes",
    "run": "run-1",
    "nodes": 3,
    "engines": "sympy",
    "target": "solved",
    "solved_within_seconds": 0.5,
    "margin": 0.99,  # which no model reaches: the gate refuses
}


@pytest.fixture
def cluster(tmp_path: Path, gcs_emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    # Many processes on few cores: one thread each.
    environment = {"STORAGE_EMULATOR_HOST": gcs_emulator, "OMP_NUM_THREADS": "1"}
    with Cluster(tmp_path / "cluster", environment=environment) as running:
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig))
        yield running


def test_jobs_integrate_and_train(cluster: Cluster, tmp_path: Path, gs_root: str) -> None:
    arguments = {**ARGUMENTS, "work_dir": f"{gs_root}/work"}
    outputs = run_through_bucket(arguments, tmp_path / "run", gs_root)
    assert all(uri.startswith(gs_root) for uri in outputs.values())
    assert read_manifest(outputs["functions"]).counts["rows"] == 240
    assert read_manifest(outputs["model"]).counts["ranks"] == 3
    assert Path(tmp_path, "run", "artifacts").is_dir()
    assert not list(Path(tmp_path, "run", "artifacts").rglob("*.parquet"))
    [job] = cluster.store.all(JOBS)
    assert job["metadata"]["name"] == "run-1-integrate"
    assert job["status"]["completedIndexes"] == "0-1"
    [training] = cluster.store.all(PYTORCHJOBS)
    assert training["metadata"]["name"] == "run-1-distribute"
    assert not cluster.store.all(INFERENCE_SERVICES)


def test_a_run_that_fails_leaves_no_job_that_works_on(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(RunFailedError, match="integrate"):
        run_pipeline({**ARGUMENTS, "engines": "nobody"}, tmp_path / "run")
    assert not cluster.store.all(JOBS)
    assert not cluster.store.all(PODS)
