"""The jobs that distribute creates, against committed files and the schemas of the custom resources.

`INTCLASS_REGENERATE=1 pytest tests/components/distribute` writes the files anew.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiClient

from intclass.components.distribute import DistributeConfig
from intclass.components.distribute.stage import child_job
from intclass.components.finetune import FinetuneConfig
from intclass.components.shared.kube import Connection
from intclass.components.shared.kube.child import job_body
from intclass.components.shared.kube.connection import Patience
from tests.cluster import schemas
from tests.cluster.resources import find_resource

GOLDEN = Path(__file__).parent / "golden"
SPOT = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
CASES = {
    "pytorchjob": DistributeConfig(launcher="pytorchjob"),
    "pytorchjob-elastic-gpu": DistributeConfig(
        launcher="pytorchjob", nodes=4, min_nodes=2, gpus=2, node_selector=SPOT, queue="training"
    ),
    "pytorchjob-alone": DistributeConfig(launcher="pytorchjob", nodes=1, gpus=1, spot=False),
    "trainjob": DistributeConfig(launcher="trainjob", queue="training"),
    "trainjob-gpu": DistributeConfig(launcher="trainjob", nodes=2, gpus=2, node_selector=SPOT, spot=False),
}
TRAINING = FinetuneConfig(base_model="tbs17/MathBERT", epochs=5, reorder_arguments=False)


def manifest(config: DistributeConfig) -> dict[str, Any]:
    child = child_job("gs://bucket/examples", "gs://bucket/model", config, TRAINING, run="integrability-x7k2p")
    connection = Connection(ApiClient(), "intclass", patience=Patience(), renew=lambda _: None)
    body = job_body(child, connection, workflow=None)
    connection.close()
    return body


def pods(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The pod specifications in a PyTorchJob, or the patch of one in a TrainJob."""
    if body["kind"] == "PyTorchJob":
        return [replica["template"]["spec"] for replica in body["spec"]["pytorchReplicaSpecs"].values()]
    [patch] = body["spec"]["runtimePatches"]
    [job] = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    return [job["template"]["spec"]["template"]["spec"]]


@pytest.mark.parametrize("name", CASES)
def test_the_manifest_is_the_committed_one(name: str) -> None:
    path, body = GOLDEN / f"{name}.yaml", manifest(CASES[name])
    if os.environ.get("INTCLASS_REGENERATE"):
        path.write_text(yaml.safe_dump(body, sort_keys=False, width=110))
    assert yaml.safe_load(path.read_text()) == body


@pytest.mark.parametrize("name", CASES)
def test_the_manifest_follows_the_schema(name: str) -> None:
    body = manifest(CASES[name])
    schemas.admit(find_resource(body), body)


@pytest.mark.parametrize("name", CASES)
def test_a_pod_may_do_nothing_that_it_need_not(name: str) -> None:
    for pod in pods(manifest(CASES[name])):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        [container] = pod["containers"]
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_a_master_and_workers_that_come_back_after_a_preemption() -> None:
    specification = manifest(CASES["pytorchjob"])["spec"]
    replicas = specification["pytorchReplicaSpecs"]
    assert {kind: (spec["replicas"], spec["restartPolicy"]) for kind, spec in replicas.items()} == {
        "Master": (1, "ExitCode"),
        "Worker": (2, "ExitCode"),
    }
    assert specification["runPolicy"]["cleanPodPolicy"] == "Running"
    [container] = replicas["Worker"]["template"]["spec"]["containers"]
    assert container["name"] == "pytorch"
    assert container["command"] == ["python", "-m", "intclass.components.finetune"]


def test_an_elastic_job_has_workers_under_torchrun_and_waits_for_its_queue() -> None:
    body = manifest(CASES["pytorchjob-elastic-gpu"])
    assert body["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "training"
    specification = body["spec"]
    assert specification["runPolicy"]["suspend"] is True
    assert (specification["elasticPolicy"]["minReplicas"], specification["elasticPolicy"]["maxReplicas"]) == (2, 4)
    assert specification["nprocPerNode"] == "2"
    [(kind, replica)] = specification["pytorchReplicaSpecs"].items()
    assert (kind, replica["restartPolicy"]) == ("Worker", "OnFailure")
    [container] = replica["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "torch.distributed.run", "-m", "intclass.components.finetune"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "2"
