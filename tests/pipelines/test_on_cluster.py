"""The whole compiled pipeline with its jobs on the test cluster: an Indexed Job integrates, a PyTorchJob trains.

Artifacts lie on disk, which the pods share: kfp.local reads no gs://. Training through a bucket is distribute's test.
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
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    # Many processes on few cores: one thread each.
    with Cluster(tmp_path / "cluster", environment={"OMP_NUM_THREADS": "1"}) as running:
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig))
        yield running


def test_jobs_integrate_and_train(cluster: Cluster, tmp_path: Path) -> None:
    result = run_pipeline(ARGUMENTS, tmp_path / "run")
    assert read_manifest(result.paths["functions"]).counts["rows"] == 240
    assert read_manifest(result.paths["model"]).counts["ranks"] == 3
    assert [answer["integrand"] for answer in result.answers] == ["x*exp(x**2)", "exp(x**2)", "sin(x)/x"]
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
