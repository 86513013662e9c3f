"""All shards as one Indexed Job: the manifest, and jobs that really run, with pods as processes of this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient

from intclass.components.integrate import IntegrateConfig, JobConfig, integrate_on_cluster
from intclass.components.integrate.job import child_job
from intclass.components.shared.errors import ClusterError, ConfigError
from intclass.components.shared.kube import Connection
from intclass.components.shared.kube.child import job_body
from intclass.components.shared.kube.connection import Patience
from intclass.components.shared.manifest import read_manifest
from tests.cluster import Cluster, schemas
from tests.cluster.resources import JOBS, PODS, find_resource

CONFIG = IntegrateConfig(engines=("sympy",), num_shards=40, journal="gs://bucket/work/integrate", ask_all=True)


def manifest(config: IntegrateConfig = CONFIG, job: JobConfig | None = None, *, may_be_missing: int = 0) -> Any:
    places = ("gs://bucket/functions", "gs://bucket/outcomes")
    child = child_job(*places, config, job or JobConfig(), run="integrability-x7k2p", may_be_missing=may_be_missing)
    connection = Connection(ApiClient(), "intclass", patience=Patience(), renew=lambda _: None)
    body = job_body(child, connection, workflow=None)
    connection.close()
    return body


def test_the_manifest_follows_the_schema() -> None:
    body = manifest()
    schemas.admit(find_resource(body), body)


def test_each_shard_has_attempts_of_its_own_and_lost_machines_cost_none() -> None:
    specification = manifest(may_be_missing=4)["spec"]
    assert specification["completionMode"] == "Indexed"
    assert (specification["completions"], specification["parallelism"]) == (40, 32)
    assert (specification["backoffLimitPerIndex"], specification["maxFailedIndexes"]) == (2, 4)
    [rule] = specification["podFailurePolicy"]["rules"]
    assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert specification["podReplacementPolicy"] == "Failed"
    assert specification["activeDeadlineSeconds"] > 0
    assert specification["ttlSecondsAfterFinished"] > 0
    assert "suspend" not in specification


def test_a_queue_is_waited_in() -> None:
    body = manifest(job=JobConfig(queue="solving"))
    assert body["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "solving"
    assert body["spec"]["suspend"] is True


def test_a_pod_has_a_worker_for_each_core_and_may_do_nothing_that_it_need_not() -> None:
    pod = manifest(job=JobConfig(cpu="7500m"))["spec"]["template"]["spec"]
    [container] = pod["containers"]
    arguments = container["args"]
    assert arguments[arguments.index("--workers") + 1] == "7"
    assert arguments[0] == "gs://bucket/functions"
    assert "--ask-all" in arguments
    assert arguments[arguments.index("--journal") + 1] == "gs://bucket/work/integrate"
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize("options", [{"cpu": "many"}, {"parallelism": 0}, {"deadline_seconds": 0}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        JobConfig(**options)


def test_pods_cannot_read_another_store_than_the_bucket() -> None:
    with pytest.raises(ConfigError, match="pipeline root on gs://"):
        integrate_on_cluster("minio://bucket/functions", "gs://bucket/outcomes", CONFIG, JobConfig(), run="run-1")


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with Cluster(tmp_path / "cluster") as running:
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(running.kubeconfig))
        yield running


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    path = tmp_path / "functions.jsonl"
    path.write_text("".join(json.dumps({"integrand": f"x**{power}"}) + "\n" for power in range(2, 9)))
    return path


SMALL = IntegrateConfig(engines=("sympy",), num_shards=2, workers=1)


@pytest.mark.slow
def test_two_shards_one_of_them_evicted(cluster: Cluster, functions: Path, tmp_path: Path) -> None:
    evicted: list[str] = []

    def evict_once() -> bool:
        running = [pod for pod in cluster.store.all(PODS) if pod["status"]["phase"] == "Running"]
        if running and not evicted:
            evicted.append(running[0]["metadata"]["name"])
            cluster.evict(evicted[0])
        return bool(evicted)

    watcher = threading.Thread(target=lambda: cluster.wait_for(evict_once, seconds=60))
    watcher.start()
    counts = integrate_on_cluster(functions, tmp_path / "outcomes", SMALL, JobConfig(), run="run-1")
    watcher.join()
    assert counts["functions"] == 7
    assert counts["elementary"] == 7
    shards = [read_manifest(tmp_path / "outcomes" / f"shard-0000{shard}-of-00002") for shard in range(2)]
    assert [shard.counts["functions"] for shard in shards] == [4, 3]
    [job] = cluster.store.all(JOBS)
    assert job["status"]["completedIndexes"] == "0-1"
    assert len(evicted) == 1


@pytest.mark.slow
def test_too_few_shards_fail_the_step(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"Job run-1-integrate failed.*no such file"):
        integrate_on_cluster(tmp_path / "nowhere.jsonl", tmp_path / "outcomes", SMALL, JobConfig(), run="run-1")
