"""The run's Argo Workflow: the owner of child jobs, and the only one who knows whether a run is being stopped."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Final

from kubernetes import client
from kubernetes.client.rest import ApiException

from intclass.components.shared.kube.connection import Connection, describe

_PLACE: Final = ("argoproj.io", "v1alpha1")
_WORKFLOW_LABEL: Final = "workflows.argoproj.io/workflow"  # Argo puts it on the pod of every step
_ENDED: Final = frozenset({"Succeeded", "Failed", "Error"})


def find_workflow(connection: Connection, run: str) -> Mapping[str, Any] | None:
    """The Workflow of that name, or None where there is none to be seen; the reason goes to stderr."""
    custom = client.CustomObjectsApi(connection.client)
    try:
        found: Mapping[str, Any] = connection.ask(
            lambda: custom.get_namespaced_custom_object(*_PLACE, connection.namespace, "workflows", run)
        )
    except ApiException as error:
        sys.stderr.write(f"no owner for the jobs of this run: {describe(error)}\n")
        return None
    return found


def own_run(connection: Connection) -> str | None:
    """The name of the Workflow that this process's own pod is a step of, or None outside of one."""
    pod_name = os.environ.get("KFP_POD_NAME") or os.environ.get("HOSTNAME", "")
    core = client.CoreV1Api(connection.client)
    try:
        pod = connection.ask(lambda: core.read_namespaced_pod(pod_name, connection.namespace)) if pod_name else None
    except ApiException:
        return None
    return ((pod.metadata.labels if pod else None) or {}).get(_WORKFLOW_LABEL)


def owner_reference(workflow: Mapping[str, Any]) -> client.V1OwnerReference:
    """With it the garbage collector deletes a child job when its run is deleted."""
    return client.V1OwnerReference(
        api_version=workflow["apiVersion"],
        kind=workflow["kind"],
        name=workflow["metadata"]["name"],
        uid=workflow["metadata"]["uid"],
    )


def is_stopping(workflow: Mapping[str, Any]) -> bool:
    """Whether the run is being stopped or has ended: Kubeflow sets the deadline to 0, Argo has a field of its own."""
    spec, phase = workflow.get("spec", {}), workflow.get("status", {}).get("phase")
    stopped = spec.get("activeDeadlineSeconds") == 0 or bool(spec.get("shutdown"))
    return stopped or phase in _ENDED or "deletionTimestamp" in workflow["metadata"]
