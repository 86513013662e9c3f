"""What only a pod can tell: whether the image is pulled, a node is found, and the bucket opens to the account."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from kubernetes.client import models

from intclass.components.shared.errors import ClusterError
from intclass.components.shared.images import CPU, SERVE, TRAIN
from intclass.components.shared.kube import JOB, ChildJob, Connection, Identity, run_to_end
from intclass.components.shared.kube.pod import container, pod_spec
from intclass.pipelines.doctor.finding import Finding

MODULE: Final = "intclass.components.shared.probe"
QUEUE_LABEL: Final = "kueue.x-k8s.io/queue-name"
# Whose pods do what in the bucket, from which image; the server reads only.
PROBES: Final = (
    ("pipeline-runner", CPU, True),
    ("intclass-cpu", CPU, True),
    ("intclass-train", TRAIN, True),
    ("intclass-serve", SERVE, False),
)


@dataclass(frozen=True, kw_only=True)
class _Options:
    """Of a probe's pod."""

    image: str
    service_account: str
    cpu: str = "100m"
    memory: str = "512Mi"
    gpus: int = 0
    node_selector: dict[str, str] = field(default_factory=dict)
    spot: bool = False


def check_pods(connection: Connection, bucket: str, *, queue: str, wait_seconds: int) -> Iterator[Finding]:
    """For each service account a small job that uses the bucket from its image, through the queue if there is one."""
    run = f"doctor-{uuid.uuid4().hex[:8]}"
    for account, image, write in PROBES:
        what = f"a pod of {account}"
        child = _probe(run, account, image, bucket, write=write, queue=queue, wait_seconds=wait_seconds)
        output = io.StringIO()
        try:
            run_to_end(child, connection, stream=output, poll_seconds=1.0, admission_seconds=wait_seconds)
        except ClusterError as error:
            yield Finding(what=what, state="fault", detail=str(error), fix=_fix(str(error), account, image))
        else:
            rights = "lists, writes, reads and deletes in" if write else "lists"
            yield Finding(what=what, state="ok", detail=f"{image.rpartition('/')[2]} {rights} {bucket}")


def _probe(run: str, account: str, image: str, bucket: str, *, write: bool, queue: str, wait_seconds: int) -> ChildJob:
    identity = Identity(run, account.removeprefix("intclass-"))
    options = _Options(image=image, service_account=account)
    arguments = [bucket, *([] if write else ["--read-only"])]
    pod = pod_spec(options, container(options, name="probe", command=["python", "-m", MODULE], arguments=arguments))
    pod.restart_policy = "Never"
    template = models.V1PodTemplateSpec(metadata=models.V1ObjectMeta(labels=identity.labels), spec=pod)
    model = models.V1Job(
        spec=models.V1JobSpec(
            template=template,
            backoff_limit=0,
            active_deadline_seconds=wait_seconds,
            ttl_seconds_after_finished=600,
            suspend=True if queue else None,
        )
    )
    return ChildJob(kind=JOB, identity=identity, model=model, labels={QUEUE_LABEL: queue} if queue else {})


def _fix(error: str, account: str, image: str) -> str:
    if "pull" in error.lower():
        return f"push {image} (make images) and let the nodes' service account read the registry"
    if "gs://" in error or "Forbidden" in error:
        return f"give {account} its role in the bucket: manifests/overlays/gke/iam.sh"
    return f"kubectl get events; a pod of {account} must find a node, and the queue must admit it"
