"""What the official clients see of the API."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import pytest
from kubernetes import client, watch
from kubernetes.client.rest import ApiException

from tests.cluster import Cluster
from tests.cluster.resources import PODS, PYTORCHJOBS, WORKFLOWS

NAMESPACE = "intclass"
PYTORCH = ("kubeflow.org", "v1", NAMESPACE, "pytorchjobs")
WORKFLOW = ("argoproj.io", "v1alpha1", NAMESPACE, "workflows")


def pod(name: str, script: str, *, labels: dict[str, str] | None = None, policy: str = "Never") -> client.V1Pod:
    container = client.V1Container(name="main", image="any", command=[sys.executable, "-uc", script])
    specification = client.V1PodSpec(containers=[container], restart_policy=policy)
    return client.V1Pod(metadata=client.V1ObjectMeta(name=name, labels=labels), spec=specification)


def workflow(name: str, owners: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    meta = {"name": name, "ownerReferences": owners or []}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": meta, "spec": {}}


def message(caught: pytest.ExceptionInfo[ApiException]) -> str:
    return str(json.loads(caught.value.body)["message"])


def wait_for_phase(cluster: Cluster, name: str, phase: str) -> None:
    cluster.wait_for(lambda: cluster.store.get(PODS, NAMESPACE, name)["status"]["phase"] == phase)


def test_create_get_list_and_delete(cluster: Cluster, api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    created = core.create_namespaced_pod(NAMESPACE, pod("a", "print('hello')", labels={"app": "x", "n": "1"}))
    core.create_namespaced_pod(NAMESPACE, pod("b", "pass", labels={"app": "x", "n": "2"}))
    assert core.read_namespaced_pod("a", NAMESPACE).metadata.uid == created.metadata.uid

    def names(**selectors: str) -> list[str]:
        return [item.metadata.name for item in core.list_namespaced_pod(NAMESPACE, **selectors).items]

    assert names() == ["a", "b"]
    assert names(label_selector="app=x,n in (2,3)") == ["b"]
    assert names(label_selector="app,n!=2") == ["a"]
    assert names(field_selector="metadata.name=b") == ["b"]
    core.delete_namespaced_pod("a", NAMESPACE)
    cluster.wait_for(lambda: cluster.store.find(PODS, NAMESPACE, "a") is None)
    assert names() == ["b"]


def test_refusals_have_the_real_words(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    with pytest.raises(ApiException) as caught:
        core.read_namespaced_pod("a", NAMESPACE)
    assert (caught.value.status, message(caught)) == (404, 'pods "a" not found')
    core.create_namespaced_pod(NAMESPACE, pod("a", "pass"))
    with pytest.raises(ApiException) as caught:
        core.create_namespaced_pod(NAMESPACE, pod("a", "pass"))
    assert (caught.value.status, message(caught)) == (409, 'pods "a" already exists')
    with pytest.raises(ApiException) as caught:
        client.CustomObjectsApi(api).list_namespaced_custom_object("example.com", "v1", NAMESPACE, "things")
    assert (caught.value.status, message(caught)) == (404, "the server could not find the requested resource")


def test_a_wrong_token_is_refused(cluster: Cluster, api: client.ApiClient) -> None:
    cluster.rotate_token()
    with pytest.raises(ApiException) as caught:
        client.CoreV1Api(api).list_namespaced_pod(NAMESPACE)
    assert (caught.value.status, message(caught)) == (401, "Unauthorized")


def test_objects_follow_their_schemas(api: client.ApiClient) -> None:
    custom = client.CustomObjectsApi(api)
    replica = {"replicas": 1, "template": {"spec": {"containers": [{"name": "pytorch"}]}}}
    job: dict[str, Any] = {
        "apiVersion": "kubeflow.org/v1",
        "kind": "PyTorchJob",
        "metadata": {"name": "a"},
        "spec": {"pytorchReplicaSpecs": {"Master": replica}, "nprocPerNode": 2, "runPolicyy": {}},
    }
    with pytest.raises(ApiException) as caught:
        custom.create_namespaced_custom_object(*PYTORCH, job)
    assert caught.value.status == 422
    assert message(caught).startswith('PyTorchJob.kubeflow.org "a" is invalid: [')
    assert 'spec.nprocPerNode: Invalid value: "integer": spec.nprocPerNode in body must be of type string' in message(
        caught
    )
    assert "'runPolicyy' was unexpected" in message(caught)

    batch = {"metadata": {"name": "j"}, "spec": {"template": {"spec": {"container": []}}}}
    with pytest.raises(ApiException) as caught:
        client.BatchV1Api(api).create_namespaced_job(NAMESPACE, batch)
    assert "spec.template.spec.container: unknown field" in message(caught)
    assert "spec.template.spec.containers: Required value" in message(caught)


def test_patch_and_update(api: client.ApiClient) -> None:
    custom = client.CustomObjectsApi(api)
    old = custom.create_namespaced_custom_object(*WORKFLOW, workflow("w"))
    patched = custom.patch_namespaced_custom_object(*WORKFLOW, "w", {"spec": {"activeDeadlineSeconds": 0}})
    assert patched["spec"] == {"activeDeadlineSeconds": 0}
    assert patched["metadata"]["generation"] == 2
    core = client.CoreV1Api(api)
    core.create_namespaced_pod(NAMESPACE, pod("a", "pass", labels={"n": "1"}))
    operations = [{"op": "replace", "path": "/metadata/labels/n", "value": "2"}]
    assert core.patch_namespaced_pod("a", NAMESPACE, operations).metadata.labels == {"n": "2"}
    with pytest.raises(ApiException) as caught:
        custom.replace_namespaced_custom_object(*WORKFLOW, "w", old)
    assert caught.value.status == 409
    assert "the object has been modified" in message(caught)
    running = {**old, "metadata": {"name": "w"}, "status": {"phase": "Running"}}
    changed = custom.patch_namespaced_custom_object_status(*WORKFLOW, "w", running)
    assert (changed["status"], changed["spec"]) == ({"phase": "Running"}, {"activeDeadlineSeconds": 0})


def test_a_watch_begins_where_a_list_ended(cluster: Cluster, api: client.ApiClient) -> None:
    custom, watcher = client.CustomObjectsApi(api), watch.Watch()
    custom.create_namespaced_custom_object(*WORKFLOW, workflow("a"))
    listed = custom.list_namespaced_custom_object(*WORKFLOW)
    version = listed["metadata"]["resourceVersion"]
    custom.create_namespaced_custom_object(*WORKFLOW, workflow("b"))
    custom.delete_namespaced_custom_object(*WORKFLOW, "a")
    events = watcher.stream(
        custom.list_namespaced_custom_object, *WORKFLOW, resource_version=version, timeout_seconds=1
    )
    assert [(event["type"], event["object"]["metadata"]["name"]) for event in events] == [
        ("ADDED", "b"),
        ("DELETED", "a"),
    ]
    cluster.store.forget()
    with pytest.raises(ApiException) as caught:
        list(
            watcher.stream(custom.list_namespaced_custom_object, *WORKFLOW, resource_version=version, timeout_seconds=1)
        )
    assert caught.value.status == 410
    assert "too old resource version" in caught.value.reason


@pytest.mark.parametrize("propagation", ["Background", "Foreground", "Orphan"])
def test_dependents_go_with_their_owner(cluster: Cluster, api: client.ApiClient, propagation: str) -> None:
    custom = client.CustomObjectsApi(api)
    owner = custom.create_namespaced_custom_object(*WORKFLOW, workflow("owner"))
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": "Workflow",
        "name": "owner",
        "uid": owner["metadata"]["uid"],
    }
    custom.create_namespaced_custom_object(*WORKFLOW, workflow("child", [reference]))
    custom.delete_namespaced_custom_object(*WORKFLOW, "owner", propagation_policy=propagation)
    cluster.wait_for(lambda: cluster.store.find(WORKFLOWS, NAMESPACE, "owner") is None)
    if propagation == "Orphan":
        assert custom.get_namespaced_custom_object(*WORKFLOW, "child")["metadata"]["ownerReferences"] == []
    else:
        cluster.wait_for(lambda: cluster.store.find(WORKFLOWS, NAMESPACE, "child") is None)


def test_a_pod_runs_its_command_and_its_log_can_be_followed(cluster: Cluster, api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    script = "import time; print('one'); time.sleep(.3); print('two'); raise SystemExit(7)"
    core.create_namespaced_pod(NAMESPACE, pod("a", script))
    wait_for_phase(cluster, "a", "Running")
    followed = core.read_namespaced_pod_log("a", NAMESPACE, follow=True, _preload_content=False)
    assert followed.read() == b"one\ntwo\n"
    wait_for_phase(cluster, "a", "Failed")
    [status] = core.read_namespaced_pod("a", NAMESPACE).status.container_statuses
    assert (status.state.terminated.exit_code, status.state.terminated.reason) == (7, "Error")
    assert core.read_namespaced_pod_log("a", NAMESPACE, tail_lines=1) == "two\n"
    stamped = core.read_namespaced_pod_log("a", NAMESPACE, timestamps=True).split()
    assert stamped[1::2] == ["one", "two"]


def test_a_container_is_restarted_in_place(cluster: Cluster, api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    script = (
        "import pathlib, sys; p = pathlib.Path('n'); first = not p.exists(); p.touch(); print(first); sys.exit(first)"
    )
    core.create_namespaced_pod(NAMESPACE, pod("a", script, policy="OnFailure"))
    wait_for_phase(cluster, "a", "Succeeded")
    [status] = core.read_namespaced_pod("a", NAMESPACE).status.container_statuses
    assert status.restart_count == 1
    assert core.read_namespaced_pod_log("a", NAMESPACE, previous=True) == "True\n"
    assert core.read_namespaced_pod_log("a", NAMESPACE) == "False\n"


def test_a_pod_for_which_there_is_no_gpu_waits(cluster: Cluster, api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    greedy = pod("a", "pass")
    greedy.spec.containers[0].resources = client.V1ResourceRequirements(limits={"nvidia.com/gpu": "2"})
    core.create_namespaced_pod(NAMESPACE, greedy)
    cluster.wait_for(lambda: bool(cluster.store.get(PODS, NAMESPACE, "a")["status"]["conditions"]))
    [condition] = core.read_namespaced_pod("a", NAMESPACE).status.conditions
    assert (condition.reason, condition.message) == (
        "Unschedulable",
        "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
    )
    with pytest.raises(ApiException) as caught:
        core.read_namespaced_pod_log("a", NAMESPACE)
    assert (caught.value.status, message(caught)) == (
        400,
        'container "main" in pod "a" is waiting to start: ContainerCreating',
    )


def test_a_deleted_pod_is_told_to_end(cluster: Cluster, api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    script = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(0)); print('up'); time.sleep(60)"
    core.create_namespaced_pod(NAMESPACE, pod("a", script))
    wait_for_phase(cluster, "a", "Running")
    log = core.read_namespaced_pod_log("a", NAMESPACE, follow=True, _preload_content=False)
    assert log.readline() == b"up\n"
    core.delete_namespaced_pod("a", NAMESPACE)
    cluster.wait_for(lambda: cluster.store.find(PODS, NAMESPACE, "a") is None, seconds=5)


def test_an_evicted_pod_has_failed_with_143(cluster: Cluster, api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    core.create_namespaced_pod(NAMESPACE, pod("a", "import time; time.sleep(60)", policy="Always"))
    wait_for_phase(cluster, "a", "Running")
    cluster.evict("a")
    wait_for_phase(cluster, "a", "Failed")
    status = core.read_namespaced_pod("a", NAMESPACE).status
    assert status.container_statuses[0].state.terminated.exit_code == 143
    assert "DisruptionTarget" in [condition.type for condition in status.conditions]


def test_a_quota_refuses(cluster: Cluster, api: client.ApiClient) -> None:
    cluster.set_quota({"pods": 1})
    core = client.CoreV1Api(api)
    core.create_namespaced_pod(NAMESPACE, pod("a", "import time; time.sleep(60)"))
    with pytest.raises(ApiException) as caught:
        core.create_namespaced_pod(NAMESPACE, pod("b", "pass"))
    why = "exceeded quota: quota, requested: pods=1, used: pods=1, limited: pods=1"
    assert (caught.value.status, message(caught)) == (403, f'pods "b" is forbidden: {why}')


@pytest.mark.parametrize("code", [401, 429, 500, 503, 504])
def test_refusals_on_demand(cluster: Cluster, api: client.ApiClient, code: int) -> None:
    cluster.faults.refuse(code, times=2, method="GET", path=".*/pods")
    core = client.CoreV1Api(api)
    seen = []
    for _ in range(3):
        try:
            core.list_namespaced_pod(NAMESPACE)
            seen.append(200)
        except ApiException as error:
            seen.append(error.status)
    # urllib3 itself waits as long as Retry-After says, which comes with 429.
    assert seen in ([code, code, 200], [200, 200, 200])
    assert cluster.faults.refused == 2


def test_a_watch_can_be_cut(cluster: Cluster, api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    threading.Timer(0.3, cluster.faults.drop_connections).start()
    with pytest.raises(Exception, match=r"IncompleteRead|InvalidChunkLength|Connection broken|ended prematurely"):
        list(watch.Watch().stream(core.list_namespaced_pod, NAMESPACE, timeout_seconds=20))
    assert cluster.faults.cut == 1


def test_the_server_says_what_it_serves(api: client.ApiClient) -> None:
    assert client.VersionApi(api).get_code().minor == "33"
    kinds = client.CustomObjectsApi(api).get_api_resources(PYTORCHJOBS.group, PYTORCHJOBS.version).resources
    assert [kind.name for kind in kinds] == ["pytorchjobs"]
