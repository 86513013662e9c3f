"""Pods as real containers of the project's images, started from the manifests that the code creates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from intclass.components.integrate import IntegrateConfig, JobConfig, integrate_on_cluster
from intclass.components.shared import images, storage
from intclass.components.shared.kube.containers import USER
from tests.cluster import Cluster
from tests.cluster.podman import lacks
from tests.cluster.resources import PODS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LOOK = "id -u; touch /opt/it || echo refused; touch /tmp/it && echo $GREETING; sleep 60"


@pytest.fixture
def cluster(tmp_path: Path, gcs_emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    if reason := lacks(images.CPU):
        pytest.skip(f"NOT TESTED in containers: {reason}")
    environment = {"STORAGE_EMULATOR_HOST": gcs_emulator, "OMP_NUM_THREADS": "1"}
    with Cluster(tmp_path / "cluster", environment=environment, containers=True) as running:
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(running.kubeconfig))
        yield running


def test_a_pod_is_a_container_with_the_rights_of_its_manifest(cluster: Cluster) -> None:
    context = {"runAsUser": USER, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "main",
        "image": images.CPU,
        "command": ["sh", "-c"],
        "args": [LOOK],
        "env": [{"name": "GREETING", "value": "hello"}],
        "securityContext": {**context, "allowPrivilegeEscalation": False},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    spec = {"containers": [container], "restartPolicy": "Never", "volumes": [{"name": "tmp", "emptyDir": {}}]}
    pod = cluster.store.create(PODS, "intclass", {"metadata": {"name": "one"}, "spec": spec})

    def lines() -> list[str]:
        [current] = cluster.store.all(PODS)
        return [] if current["status"]["phase"] == "Pending" else [x for _, x in cluster.kubelet.log(pod, "main").lines]

    cluster.wait_for(lambda: "hello" in lines(), seconds=60)
    assert [line for line in lines() if not line.startswith("touch:")] == [str(USER), "refused", "hello"]
    cluster.evict("one")
    cluster.wait_for(lambda: cluster.store.all(PODS)[0]["status"]["phase"] == "Failed", seconds=60)
    [status] = cluster.store.all(PODS)[0]["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 143


def test_the_shards_of_a_job_integrate_in_containers(cluster: Cluster, gs_root: str) -> None:
    functions = "".join(json.dumps({"integrand": f"x**{power}*exp(x)"}) + "\n" for power in range(2, 9))
    storage.write_text(f"{gs_root}/functions.jsonl", functions)
    config = IntegrateConfig(engines=("fricas", "sympy"), num_shards=2, workers=1, limit_seconds=2.0)
    places = (f"{gs_root}/functions.jsonl", f"{gs_root}/outcomes")
    counts = integrate_on_cluster(*places, config, JobConfig(), run="run-1")
    assert (counts["functions"], counts["elementary"]) == (7, 7)
