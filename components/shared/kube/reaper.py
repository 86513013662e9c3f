"""Deleting what a run has left on the cluster, by its label."""

from __future__ import annotations

import contextlib

from kubernetes.client.rest import ApiException

from intclass.components.shared.kube.connection import NOT_FOUND, Connection, connect
from intclass.components.shared.kube.identity import MANAGED_LABELS, RUN_LABEL, run_label
from intclass.components.shared.kube.kinds import KINDS
from intclass.components.shared.kube.objects import Jobs, explain
from intclass.components.shared.kube.workflow import own_run


def reap(run: str, connection: Connection, *, finished: bool = True) -> list[str]:
    """Delete the child jobs of the run, with their pods; returns them as `PyTorchJob NAME`.

    Without `finished` those are left that have come to their end, to be looked at until their time to live is over.
    Kinds that are not installed are passed over. Raises ClusterError if the cluster refuses or does not answer.
    """
    selector = ",".join(f"{key}={value}" for key, value in {**MANAGED_LABELS, RUN_LABEL: run_label(run)}.items())
    deleted = []
    for kind in KINDS:
        jobs = Jobs(connection, kind)
        try:
            for job in jobs.labelled(selector):
                if finished or not kind.state_of(job).is_final:
                    jobs.delete(job)
                    deleted.append(f"{kind.kind} {job['metadata']['name']}")
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise explain(error, f"{kind.plural} of run {run}", connection.namespace) from error
    return deleted


def reap_own(run: str = "") -> list[str]:
    """`reap` what is unfinished of this run: the one of that name, or the Workflow that this process is a step of."""
    with contextlib.closing(connect()) as connection:
        found = run or own_run(connection)
        return reap(found, connection, finished=False) if found else []
