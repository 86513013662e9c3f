"""The files for `kubectl apply` without a pipeline are what the code would create, under names of their own.

`INTCLASS_REGENERATE=1 pytest tests/manifests/test_ready.py` writes them anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiClient

from intclass.components.distribute import DistributeConfig
from intclass.components.distribute.stage import child_job as training_job
from intclass.components.finetune import FinetuneConfig
from intclass.components.integrate import IntegrateConfig, JobConfig
from intclass.components.integrate.job import child_job as integration_job
from intclass.components.serve import ServeConfig
from intclass.components.serve.deploy import DeployConfig
from intclass.components.serve.deploy.manifests import inference_service
from intclass.components.shared.kube import ChildJob, Connection, Identity
from intclass.components.shared.kube.child import job_body
from intclass.components.shared.kube.connection import Patience
from intclass.components.tune import ClusterConfig, TuneConfig, read_space
from intclass.components.tune.experiment import experiment_job
from tests.manifests.building import MANIFESTS, Object, check, pod_specs
from tests.manifests.test_overlays import assert_restricted

READY = MANIFESTS / "ready"
RUN = "ready"
BUCKET = "gs://BUCKET"
TRAINING = FinetuneConfig(base_model="tbs17/MathBERT", epochs=5)


def body(child: ChildJob) -> Object:
    connection = Connection(ApiClient(), "intclass", patience=Patience(), renew=lambda _: None)
    made = job_body(child, connection, workflow=None)
    connection.close()
    return made


def job() -> Object:
    config = IntegrateConfig(engines=("sympy",), num_shards=16, limit_seconds=1.0, journal=f"{BUCKET}/work/integrate")
    return body(integration_job(f"{BUCKET}/functions", f"{BUCKET}/outcomes", config, JobConfig(), run=RUN))


def pytorchjob() -> Object:
    config = DistributeConfig(launcher="pytorchjob", nodes=3)
    return body(training_job(f"{BUCKET}/examples", f"{BUCKET}/model", config, TRAINING, run=RUN))


def experiment() -> Object:
    space, config = read_space("pretrained"), TuneConfig(sampler="tpe", pruner="median", trials=24, parallel=4)
    cluster = ClusterConfig(kind="pytorchjob", gpus=1)
    return body(
        experiment_job(space, TRAINING, config, cluster, dataset=f"{BUCKET}/examples", out=f"{BUCKET}/study", run=RUN)
    )


def inferenceservice() -> Object:
    labels = Identity(RUN, "deploy").labels
    serving = ServeConfig(grace_seconds=10)
    return inference_service(DeployConfig(), f"{BUCKET}/model", serving, fingerprint="unknown", labels=labels)


MAKERS: dict[str, Callable[[], Object]] = {
    "job": job,
    "pytorchjob": pytorchjob,
    "experiment": experiment,
    "inferenceservice": inferenceservice,
}
HEADER = (
    "# Put your bucket in the place of BUCKET: sed s/BUCKET/my-bucket/ {name}.yaml | kubectl -n intclass apply -f -\n"
)


@pytest.mark.parametrize("name", MAKERS)
def test_the_file_is_what_the_code_creates(name: str) -> None:
    path, thing = READY / f"{name}.yaml", MAKERS[name]()
    if os.environ.get("INTCLASS_REGENERATE"):
        path.write_text(HEADER.format(name=name) + yaml.safe_dump(thing, sort_keys=False, width=110))
    assert yaml.safe_load(path.read_text()) == thing


@pytest.mark.parametrize("name", MAKERS)
def test_the_file_follows_its_schema(name: str) -> None:
    check(yaml.safe_load((READY / f"{name}.yaml").read_text()))


@pytest.mark.parametrize("name", MAKERS)
def test_its_pods_are_restricted_and_have_an_account(name: str) -> None:
    pods: list[dict[str, Any]] = pod_specs(yaml.safe_load((READY / f"{name}.yaml").read_text()))
    assert pods
    for pod in pods:
        assert_restricted(pod)
        assert pod["serviceAccountName"].startswith("intclass-")
