"""A test cluster, the way a step finds it, and jobs for it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubeflow.training import (
    KubeflowOrgV1PyTorchJob,
    KubeflowOrgV1PyTorchJobSpec,
    KubeflowOrgV1ReplicaSpec,
    KubeflowOrgV1RunPolicy,
)
from kubernetes.client.models import V1Container, V1PodSpec, V1PodTemplateSpec

from intclass.components.shared.kube import PYTORCHJOB, ChildJob, Connection, Identity, connect
from intclass.components.shared.kube.connection import Patience
from tests.cluster import Cluster

MASTER = {"training.kubeflow.org/replica-type": "master"}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with Cluster(tmp_path / "cluster", gpus=1) as running:
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig))
        # The client reads the variable when it is imported.
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(running.kubeconfig))
        yield running


@pytest.fixture
def connection(cluster: Cluster) -> Iterator[Connection]:
    connected = connect(patience=Patience(seconds=10, first_pause=0.05, longest_pause=0.2))
    yield connected
    connected.close()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def pytorchjob() -> Callable[..., ChildJob]:
    """A child job whose master and workers run scripts."""

    def make(
        master: str, worker: str | None = None, *, run: str = "run-1", restart_policy: str = "ExitCode", **policy: Any
    ) -> ChildJob:
        scripts = {"Master": master} | ({"Worker": worker} if worker else {})
        replicas = {kind: _replica(script, restart_policy) for kind, script in scripts.items()}
        run_policy = KubeflowOrgV1RunPolicy(clean_pod_policy="Running", **policy)
        specification = KubeflowOrgV1PyTorchJobSpec(pytorch_replica_specs=replicas, run_policy=run_policy)
        model = KubeflowOrgV1PyTorchJob(spec=specification)
        return ChildJob(kind=PYTORCHJOB, identity=Identity(run, "train"), model=model, leader=MASTER)

    return make


def _replica(script: str, policy: str) -> KubeflowOrgV1ReplicaSpec:
    container = V1Container(name="pytorch", image="any", command=[sys.executable, "-uc", script])
    template = V1PodTemplateSpec(spec=V1PodSpec(containers=[container]))
    return KubeflowOrgV1ReplicaSpec(replicas=1, restart_policy=policy, template=template)
