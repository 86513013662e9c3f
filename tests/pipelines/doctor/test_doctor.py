"""The doctor on the test cluster: a healthy one, and one that lacks each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from intclass.components.shared.errors import ClusterError
from intclass.pipelines.doctor import Finding, cluster_checks
from intclass.pipelines.doctor.__main__ import examine, main
from intclass.pipelines.doctor.cluster_checks import ACCOUNTS, RIGHTS
from tests.cluster import Cluster
from tests.cluster.cluster import NAMESPACE
from tests.cluster.resources import JOBS, LOCAL_QUEUES, SERVICE_ACCOUNTS

ROLES = Path(__file__).parents[3] / "manifests" / "base" / "roles.yaml"


@pytest.fixture
def cluster(tmp_path: Path, gcs_emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with Cluster(tmp_path / "cluster", environment={"STORAGE_EMULATOR_HOST": gcs_emulator}) as running:
        for account in ACCOUNTS:
            running.store.create(SERVICE_ACCOUNTS, NAMESPACE, {"metadata": {"name": account}})
        queue = {"metadata": {"name": "intclass"}, "spec": {"clusterQueue": "intclass"}}
        made = running.store.create(LOCAL_QUEUES, NAMESPACE, queue)
        running.store.set_status(
            LOCAL_QUEUES, {**made, "status": {"conditions": [{"type": "Active", "status": "True"}]}}
        )
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(running.kubeconfig))
        yield running


def examined(bucket: str = "", *, queue: str = "intclass", jobs: bool = False) -> dict[str, Finding]:
    found = examine(bucket, namespace=None, queue=queue, jobs=jobs, wait_seconds=120)
    return {finding.what: finding for finding in found}


def test_a_healthy_cluster_has_no_fault(cluster: Cluster, gs_root: str) -> None:
    findings = examined(gs_root)
    assert not [finding for finding in findings.values() if finding.state == "fault"]
    assert findings["Kubernetes"].detail == "v1.33.0"
    assert findings["pytorchjobs.kubeflow.org"].state == "ok"
    assert findings["rights of pipeline-runner"].state == "ok"
    assert findings["queue intclass"].state == "ok"
    assert findings["bucket, from here"].state == "ok"
    assert cluster.rights.users == {"system:serviceaccount:intclass:pipeline-runner"}


def test_a_missing_right_is_named_with_the_way_out(cluster: Cluster) -> None:
    cluster.rights.lacking = {"delete trainjobs.trainer.kubeflow.org", "get pods/log"}
    finding = examined()["rights of pipeline-runner"]
    assert finding.state == "fault"
    assert finding.detail == "may not delete trainjobs.trainer.kubeflow.org, get pods/log"
    assert "intclass-launcher" in finding.fix


def test_who_may_not_ask_for_others_asks_for_himself(cluster: Cluster) -> None:
    cluster.rights.may_ask_for_others = False
    found = list(cluster_findings())
    assert [finding.state for finding in found] == ["note", "ok"]
    assert "your own" in found[0].detail


def cluster_findings() -> Iterator[Finding]:
    found = examine("", namespace=None, queue="")
    return (finding for finding in found if finding.what.startswith("rights"))


def test_a_missing_account_namespace_queue_or_kind_is_a_fault(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.store.delete(SERVICE_ACCOUNTS, NAMESPACE, "intclass-train")
    old = cluster_checks._KINDS[0]
    monkeypatch.setattr(cluster_checks, "_KINDS", (replace(old, version="v9"),))
    findings = examined(queue="another")
    assert findings["service account intclass-train"].fix.startswith("kubectl apply -k")
    assert findings["queue another"].detail == "no such LocalQueue"
    assert "v9 is not served" in findings["pytorchjobs.kubeflow.org"].detail
    assert all(findings[what].state == "fault" for what in ("queue another", "pytorchjobs.kubeflow.org"))
    [finding] = [f for f in examine("", namespace="nowhere", queue="") if f.what == "namespace nowhere"]
    assert finding.state == "fault"


def test_a_queue_that_admits_nothing_is_a_fault(cluster: Cluster) -> None:
    queue = cluster.store.get(LOCAL_QUEUES, NAMESPACE, "intclass")
    stopped = {"type": "Active", "status": "False", "message": "Can't submit new workloads to clusterQueue"}
    cluster.store.set_status(LOCAL_QUEUES, {**queue, "status": {"conditions": [stopped]}})
    assert examined()["queue intclass"].detail == "Can't submit new workloads to clusterQueue"


def test_faults_end_the_command_and_are_counted(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.store.delete(SERVICE_ACCOUNTS, NAMESPACE, "intclass-train")
    with pytest.raises(ClusterError, match="1 of the checks above stop a run"):
        main(bucket="", namespace=None, queue="", jobs=True, wait_seconds=60)
    assert "fault service account intclass-train: not there" in capsys.readouterr().out


def test_the_manifests_grant_what_the_doctor_asks_for_and_no_more() -> None:
    role = next(
        each for each in yaml.safe_load_all(ROLES.read_text()) if each["metadata"]["name"] == "intclass-launcher"
    )
    granted = {
        (group, resource): set(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert granted == {key: set(verbs) for key, verbs in RIGHTS.items()}


@pytest.mark.slow
def test_each_account_tries_the_bucket_in_a_pod_of_its_own(cluster: Cluster, gs_root: str) -> None:
    findings = examined(gs_root, queue="", jobs=True)
    pods = [findings[f"a pod of {account}"] for account in ACCOUNTS]
    assert [finding.state for finding in pods] == ["ok"] * 4
    assert "lists, writes, reads and deletes" in pods[1].detail
    accounts = {job["spec"]["template"]["spec"]["serviceAccountName"] for job in cluster.store.all(JOBS)}
    assert accounts == set(ACCOUNTS)


@pytest.mark.slow
def test_a_bucket_that_is_shut_is_told_with_the_way_out(cluster: Cluster, gs_root: str) -> None:
    findings = examined("gs://no-such-bucket", queue="", jobs=True)
    finding = findings["a pod of intclass-cpu"]
    assert finding.state == "fault"
    assert "gs://no-such-bucket" in finding.detail
    assert "iam.sh" in finding.fix
