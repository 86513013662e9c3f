from __future__ import annotations

from typing import Any

import pytest

from intclass.components.shared.kube import Connection, own_run
from intclass.components.shared.kube.workflow import find_workflow, is_stopping
from tests.cluster import Cluster
from tests.cluster.resources import PODS

STEP = {"containers": [{"name": "main", "image": "any", "command": ["true"]}], "restartPolicy": "Never"}


@pytest.mark.parametrize("variable", ["KFP_POD_NAME", "HOSTNAME"])
def test_a_step_knows_its_run(
    cluster: Cluster, connection: Connection, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    labels = {"workflows.argoproj.io/workflow": "integrability-x7k2p"}
    cluster.store.create(PODS, "intclass", {"metadata": {"name": "step-1", "labels": labels}, "spec": STEP})
    monkeypatch.delenv("KFP_POD_NAME", raising=False)
    monkeypatch.setenv(variable, "step-1")
    assert own_run(connection) == "integrability-x7k2p"


def test_elsewhere_there_is_no_run(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTNAME", "laptop")
    assert own_run(connection) is None


def test_a_workflow_that_is_not_there_is_none(connection: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    assert find_workflow(connection, "run-1") is None
    assert 'workflows.argoproj.io "run-1" not found' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("workflow", "stopping"),
    [
        ({}, False),
        ({"status": {"phase": "Running"}}, False),
        ({"spec": {"activeDeadlineSeconds": 3600}}, False),
        ({"spec": {"activeDeadlineSeconds": 0}}, True),
        ({"spec": {"shutdown": "Terminate"}}, True),
        ({"status": {"phase": "Failed"}}, True),
        ({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, True),
    ],
)
def test_when_a_run_is_being_stopped(workflow: dict[str, Any], stopping: bool) -> None:
    assert is_stopping({"metadata": {}, **workflow}) is stopping
