"""Deleting what a run has left on the cluster, by its label."""

from __future__ import annotations

from kubernetes.client.rest import ApiException

from intclass.components.shared.kube.connection import NOT_FOUND, Connection
from intclass.components.shared.kube.identity import MANAGED_LABELS, RUN_LABEL, run_label
from intclass.components.shared.kube.kinds import KINDS
from intclass.components.shared.kube.objects import Jobs, explain


def reap(run: str, connection: Connection) -> list[str]:
    """Delete the child jobs of the run, with their pods; returns them as `PyTorchJob NAME`.

    Kinds that are not installed are passed over. Raises ClusterError if the cluster refuses or does not answer.
    """
    selector = ",".join(f"{key}={value}" for key, value in {**MANAGED_LABELS, RUN_LABEL: run_label(run)}.items())
    deleted = []
    for kind in KINDS:
        jobs = Jobs(connection, kind)
        try:
            for job in jobs.labelled(selector):
                jobs.delete(job)
                deleted.append(f"{kind.kind} {job['metadata']['name']}")
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise explain(error, f"{kind.plural} of run {run}", connection.namespace) from error
    return deleted
