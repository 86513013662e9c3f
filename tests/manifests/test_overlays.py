"""Every overlay builds, follows the schemas of Kubernetes strictly, and gives nothing away."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate import ValidationError

from intclass.pipelines.doctor.cluster_checks import ACCOUNTS
from tests.manifests.building import MANIFESTS, Object, build, check, pod_specs

OVERLAYS = ("gke", "kind")


def built(overlay: str) -> tuple[Object, ...]:
    return build(MANIFESTS / "overlays" / overlay)


def named(overlay: str, kind: str, name: str) -> Object:
    [found] = [thing for thing in built(overlay) if (thing["kind"], thing["metadata"]["name"]) == (kind, name)]
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_follows_its_schema(overlay: str) -> None:
    for thing in built(overlay):
        check(thing)


def test_a_slip_of_the_pen_is_found() -> None:
    policy = json.loads(json.dumps(named("gke", "NetworkPolicy", "default-deny")))
    policy["spec"]["podSelectors"] = {}
    with pytest.raises(ValidationError, match="podSelectors"):
        check(policy)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_belongs_to_a_namespace_is_in_ours(overlay: str) -> None:
    unbound = {"Namespace", "ComputeClass", "ResourceFlavor", "ClusterQueue"}
    for thing in built(overlay):
        wanted = None if thing["kind"] in unbound else "intclass"
        assert thing["metadata"].get("namespace") == wanted, f"{thing['kind']} {thing['metadata']['name']}"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_namespace_takes_restricted_pods_only(overlay: str) -> None:
    labels = named(overlay, "Namespace", "intclass")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_there_is_a_service_account_for_each_stage_and_only_steps_have_a_token(overlay: str) -> None:
    accounts = {thing["metadata"]["name"]: thing for thing in built(overlay) if thing["kind"] == "ServiceAccount"}
    assert set(accounts) == set(ACCOUNTS)
    tokens = {name for name, account in accounts.items() if account["automountServiceAccountToken"]}
    assert tokens == {"pipeline-runner"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_right_is_given_for_everything(overlay: str) -> None:
    roles = [thing for thing in built(overlay) if thing["kind"] == "Role"]
    assert roles
    assert not [thing for thing in built(overlay) if thing["kind"].startswith("ClusterRole")]
    for role in roles:
        for rule in role["rules"]:
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
            assert "secrets" not in rule["resources"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_privileged_or_latest_and_there_is_no_secret(overlay: str) -> None:
    text = yaml.safe_dump_all(built(overlay))
    assert "privileged: true" not in text
    assert "hostPath" not in text
    assert not re.search(r"host(Network|PID|IPC): true", text)
    assert not [thing for thing in built(overlay) if thing["kind"] == "Secret"]
    assert not re.search(r"(?i)(password|private_key|BEGIN [A-Z ]*KEY)", text)
    for pod in pod_specs(list(built(overlay))):
        assert_restricted(pod)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_that_is_not_allowed_is_denied(overlay: str) -> None:
    policy = named(overlay, "NetworkPolicy", "default-deny")["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    allowed = {thing["metadata"]["name"] for thing in built(overlay) if thing["kind"] == "NetworkPolicy"}
    assert {"allow-dns", "allow-https", "allow-kubeflow", "allow-jobs", "allow-serving"} <= allowed
    assert ("allow-metadata-server" in allowed) == (overlay == "gke")
    assert ("allow-gcs" in allowed) == (overlay == "kind")


def test_kind_finds_its_api_server_and_has_no_google() -> None:
    ports = named("kind", "NetworkPolicy", "allow-https")["spec"]["egress"][0]["ports"]
    assert {port["port"] for port in ports} == {443, 6443}
    assert not [thing for thing in built("kind") if thing["kind"] == "PodMonitoring"]


def test_gke_prefers_spot_machines_and_falls_back() -> None:
    for name in ("intclass-cpu", "intclass-gpu"):
        priorities = named("gke", "ComputeClass", name)["spec"]["priorities"]
        assert [priority["spot"] for priority in priorities] == sorted(
            (priority["spot"] for priority in priorities), reverse=True
        )
        assert not priorities[-1]["spot"]


def test_the_queue_reaches_its_flavors() -> None:
    cluster_queue = named("gke", "ClusterQueue", "intclass")["spec"]
    flavors = {thing["metadata"]["name"] for thing in built("gke") if thing["kind"] == "ResourceFlavor"}
    assert {flavor["name"] for group in cluster_queue["resourceGroups"] for flavor in group["flavors"]} == flavors
    assert named("gke", "LocalQueue", "intclass")["spec"]["clusterQueue"] == "intclass"


def test_the_bucket_forgets_nothing_that_is_referred_to() -> None:
    rules = json.loads((MANIFESTS / "overlays" / "gke" / "bucket-lifecycle.json").read_text())["rule"]
    for rule in rules:
        condition = rule["condition"]
        lives_on = rule["action"]["type"] != "Delete" or "daysSinceNoncurrentTime" in condition
        assert lives_on or condition["matchesPrefix"] == ["tmp/"]


def test_retries_are_always_and_only_where_the_pipeline_says(tmp_path: Path) -> None:
    stock = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "workflow-controller-configmap", "namespace": "kubeflow"},
        "data": {"workflowDefaults": "stock", "executor": "kept"},
    }
    component = MANIFESTS / "components" / "retry-policy"
    # kustomize takes components by a relative path only.
    relative = Path(*[".."] * (len(tmp_path.parts) - 1), *component.parts[1:])
    kustomization = {"resources": ["stock.yaml"], "components": [str(relative)]}
    (tmp_path / "stock.yaml").write_text(yaml.safe_dump(stock))
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    [patched] = build(tmp_path)
    assert patched["data"]["executor"] == "kept"
    defaults = yaml.safe_load(patched["data"]["workflowDefaults"])
    assert defaults["spec"]["templateDefaults"]["retryStrategy"] == {"limit": "0", "retryPolicy": "Always"}


def assert_restricted(pod: dict[str, Any]) -> None:
    """What Kubernetes' pod security standard `restricted` asks for, a read-only root, and a pinned image."""
    around = pod.get("securityContext", {})
    for container in pod["containers"]:
        context = {**around, **container.get("securityContext", {})}
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert re.search(r":[^:/]*\d", container["image"]), f"{container['image']} has no version"
        assert container["resources"]["limits"]["memory"]
