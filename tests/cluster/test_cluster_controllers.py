"""What the controllers make of jobs."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.models import V1Container, V1Job, V1JobSpec, V1ObjectMeta, V1PodSpec, V1PodTemplateSpec

from tests.cluster import Cluster
from tests.cluster.resources import EVENTS, JOBS, PODS, PYTORCHJOBS, Object, Resource

NAMESPACE = "intclass"


def template(script: str, *, name: str = "pytorch", policy: str | None = None) -> dict[str, Any]:
    container = {"name": name, "command": [sys.executable, "-uc", script]}
    return {"spec": {"containers": [container]} | ({"restartPolicy": policy} if policy else {})}


def pytorchjob(script: str, *, workers: int = 1, policy: str = "ExitCode", **spec: Any) -> dict[str, Any]:
    def replica(count: int) -> dict[str, Any]:
        return {"replicas": count, "restartPolicy": policy, "template": template(script)}

    replicas = {"Master": replica(1), "Worker": replica(workers)}
    if "elasticPolicy" in spec:
        del replicas["Master"]
    return {"metadata": {"name": "train"}, "spec": {"pytorchReplicaSpecs": replicas, **spec}}


def conditions(cluster: Cluster, resource: Resource, name: str) -> dict[str, str]:
    status = cluster.store.get(resource, NAMESPACE, name).get("status", {})
    return {c["type"]: c["reason"] for c in status.get("conditions", []) if c["status"] == "True"}


def wait_for_condition(cluster: Cluster, resource: Resource, name: str, kind: str) -> str:
    cluster.wait_for(lambda: kind in conditions(cluster, resource, name))
    return conditions(cluster, resource, name)[kind]


def log(api: client.ApiClient, pod: str) -> str:
    response = client.CoreV1Api(api).read_namespaced_pod_log(pod, NAMESPACE, _preload_content=False)
    return str(response.data.decode())


def indexed_job(script: str, **spec: Any) -> V1Job:
    container = V1Container(name="main", image="any", command=[sys.executable, "-uc", script])
    pods = V1PodTemplateSpec(spec=V1PodSpec(containers=[container], restart_policy="Never"))
    return V1Job(metadata=V1ObjectMeta(name="shards"), spec=V1JobSpec(template=pods, completion_mode="Indexed", **spec))


def statuses(cluster: Cluster) -> Object:
    return dict(cluster.store.get(JOBS, NAMESPACE, "shards")["status"])


def test_a_pytorchjob_has_the_operators_environment(cluster: Cluster, api: client.ApiClient) -> None:
    script = "import os\nfor name in sorted(os.environ): print(f'{name}={os.environ[name]}')"
    cluster.store.create(PYTORCHJOBS, NAMESPACE, pytorchjob(script, workers=2, nprocPerNode="2"))
    assert wait_for_condition(cluster, PYTORCHJOBS, "train", "Succeeded") == "PyTorchJobSucceeded"
    cluster.wait_for(lambda: all(p["status"]["phase"] == "Succeeded" for p in cluster.store.all(PODS)))
    master = dict(line.split("=", 1) for line in log(api, "train-master-0").splitlines())
    worker = dict(line.split("=", 1) for line in log(api, "train-worker-1").splitlines())
    assert (master["RANK"], worker["RANK"], worker["WORLD_SIZE"]) == ("0", "2", "6")
    assert (worker["PET_NODE_RANK"], worker["PET_NNODES"], worker["PET_NPROC_PER_NODE"]) == ("2", "3", "2")
    assert worker["MASTER_ADDR"] == worker["PET_MASTER_ADDR"] == "127.0.0.1"
    assert worker["MASTER_PORT"] == master["PET_MASTER_PORT"]
    pods = client.CoreV1Api(api).list_namespaced_pod(NAMESPACE, label_selector="training.kubeflow.org/job-role=master")
    assert [pod.metadata.name for pod in pods.items] == ["train-master-0"]


def test_an_elastic_pytorchjob_has_workers_only(cluster: Cluster, api: client.ApiClient) -> None:
    script = "import os; print(os.environ['PET_NNODES'], os.environ['PET_RDZV_BACKEND'], 'RANK' in os.environ)"
    job = pytorchjob(script, policy="OnFailure", elasticPolicy={"minReplicas": 1, "maxReplicas": 3, "maxRestarts": 4})
    cluster.store.create(PYTORCHJOBS, NAMESPACE, job)
    wait_for_condition(cluster, PYTORCHJOBS, "train", "Succeeded")
    assert log(api, "train-worker-0") == "1:3 c10d False\n"


def test_an_evicted_replica_is_made_anew(cluster: Cluster) -> None:
    script = "import os, time; first = not os.path.exists('n'); open('n', 'a').close(); time.sleep(60 if first else 0)"
    cluster.store.create(PYTORCHJOBS, NAMESPACE, pytorchjob(script))
    wait_for_condition(cluster, PYTORCHJOBS, "train", "Running")
    cluster.wait_for(lambda: all(p["status"]["phase"] == "Running" for p in cluster.store.all(PODS)))
    cluster.wait_for(lambda: len(list(cluster.folder.rglob("n"))) == 2)
    for pod in ("train-master-0", "train-worker-0"):
        cluster.evict(pod)
    wait_for_condition(cluster, PYTORCHJOBS, "train", "Succeeded")


def test_with_exit_code_a_job_whose_program_fails_never_ends(cluster: Cluster) -> None:
    """The operator's own doing: whoever waits for the job must look at its pods."""
    cluster.store.create(PYTORCHJOBS, NAMESPACE, pytorchjob("raise SystemExit(3)"))
    assert wait_for_condition(cluster, PYTORCHJOBS, "train", "Restarting") == "PyTorchJobRestarting"
    uids = [pod["metadata"]["uid"] for pod in cluster.store.all(PODS)]
    time.sleep(0.5)
    assert [pod["metadata"]["uid"] for pod in cluster.store.all(PODS)] == uids
    assert "Failed" not in conditions(cluster, PYTORCHJOBS, "train")


def test_with_never_a_failed_pod_is_the_end(cluster: Cluster) -> None:
    script = "import os, sys, time; sys.exit(3) if os.environ['RANK'] == '1' else time.sleep(60)"
    job = pytorchjob(script, policy="Never")
    job["spec"]["runPolicy"] = {"cleanPodPolicy": "Running", "ttlSecondsAfterFinished": 1}
    cluster.store.create(PYTORCHJOBS, NAMESPACE, job)
    assert wait_for_condition(cluster, PYTORCHJOBS, "train", "Failed") == "PyTorchJobFailed"
    cluster.wait_for(lambda: [p["metadata"]["name"] for p in cluster.store.all(PODS)] == ["train-worker-0"])
    cluster.wait_for(lambda: not cluster.store.all(PYTORCHJOBS) and not cluster.store.all(PODS))


def test_a_suspended_pytorchjob_has_no_pods_until_it_is_resumed(cluster: Cluster) -> None:
    cluster.store.create(PYTORCHJOBS, NAMESPACE, pytorchjob("pass", runPolicy={"suspend": True}))
    wait_for_condition(cluster, PYTORCHJOBS, "train", "Suspended")
    assert cluster.store.all(PODS) == []
    job = cluster.store.get(PYTORCHJOBS, NAMESPACE, "train")
    job["spec"]["runPolicy"]["suspend"] = False
    cluster.store.replace(PYTORCHJOBS, job)
    wait_for_condition(cluster, PYTORCHJOBS, "train", "Succeeded")


def test_a_pod_over_quota_is_an_event(cluster: Cluster) -> None:
    cluster.set_quota({"pods": 1})
    cluster.store.create(PYTORCHJOBS, NAMESPACE, pytorchjob("import time; time.sleep(60)"))
    cluster.wait_for(lambda: bool(cluster.store.all(EVENTS)))
    [event] = cluster.store.all(EVENTS)
    assert event["reason"] == "FailedCreate"
    assert 'pods "train-worker-0" is forbidden: exceeded quota' in event["message"]


def test_a_deadline_ends_a_pytorchjob(cluster: Cluster) -> None:
    job = pytorchjob("import time; time.sleep(60)", runPolicy={"activeDeadlineSeconds": 1})
    cluster.store.create(PYTORCHJOBS, NAMESPACE, job)
    wait_for_condition(cluster, PYTORCHJOBS, "train", "Failed")


def test_each_index_of_a_job_has_its_pod(cluster: Cluster, api: client.ApiClient) -> None:
    job = indexed_job("import os; print(os.environ['JOB_COMPLETION_INDEX'])", completions=3, parallelism=2)
    client.BatchV1Api(api).create_namespaced_job(NAMESPACE, job)
    assert wait_for_condition(cluster, JOBS, "shards", "Complete") == "CompletionsReached"
    assert statuses(cluster)["completedIndexes"] == "0-2"
    logs = sorted(log(api, pod["metadata"]["name"]) for pod in cluster.store.all(PODS))
    assert logs == ["0\n", "1\n", "2\n"]


def test_an_index_has_attempts_of_its_own(cluster: Cluster, api: client.ApiClient) -> None:
    script = "import os, sys; sys.exit(int(os.environ['JOB_COMPLETION_INDEX'] == '1'))"
    job = indexed_job(script, completions=3, parallelism=3, backoff_limit_per_index=1)
    client.BatchV1Api(api).create_namespaced_job(NAMESPACE, job)
    assert wait_for_condition(cluster, JOBS, "shards", "Failed") == "FailedIndexes"
    status = statuses(cluster)
    assert (status["completedIndexes"], status["failedIndexes"], status["failed"]) == ("0,2", "1", 2)


@pytest.mark.parametrize(("limit", "reason"), [(0, "BackoffLimitExceeded"), (2, "BackoffLimitExceeded")])
def test_the_back_off_limit_of_a_job(cluster: Cluster, api: client.ApiClient, limit: int, reason: str) -> None:
    job = indexed_job("raise SystemExit(1)", completions=1, backoff_limit=limit)
    client.BatchV1Api(api).create_namespaced_job(NAMESPACE, job)
    assert wait_for_condition(cluster, JOBS, "shards", "Failed") == reason
    assert statuses(cluster)["failed"] == limit + 1


def test_a_disruption_is_not_held_against_a_job(cluster: Cluster, api: client.ApiClient) -> None:
    script = "import os, time; path = '../../ran'; first = not os.path.exists(path); open(path, 'a').close()\n"
    script += "time.sleep(60 if first else 0)"
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    job = indexed_job(script, completions=1, backoff_limit=0, pod_failure_policy={"rules": [rule]})
    client.BatchV1Api(api).create_namespaced_job(NAMESPACE, job)
    cluster.wait_for(lambda: bool(list(cluster.folder.rglob("ran"))))
    cluster.evict(cluster.store.all(PODS)[0]["metadata"]["name"])
    assert wait_for_condition(cluster, JOBS, "shards", "Complete") == "CompletionsReached"
