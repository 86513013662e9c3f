"""The training as a PyTorchJob of the Training Operator v1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from kubeflow.training import models as training
from kubernetes.client import models

from intclass.components.distribute.command import pod_command
from intclass.components.distribute.config import DistributeConfig
from intclass.components.shared.kube.pod import container, pod_spec

CONTAINER: Final = "pytorch"  # the operator looks for this name
_INDEX: Final = "training.kubeflow.org/replica-index"
_TYPE: Final = "training.kubeflow.org/replica-type"


def pytorchjob(
    config: DistributeConfig, arguments: Sequence[str], *, labels: Mapping[str, str]
) -> training.KubeflowOrgV1PyTorchJob:
    """One master and its workers, or workers alone where their number may change; its metadata is left out."""
    counts = {"Worker": config.nodes} if config.is_elastic else {"Master": 1, "Worker": config.nodes - 1}
    replicas = {kind: _replica(config, arguments, count, labels) for kind, count in counts.items() if count}
    specification = training.KubeflowOrgV1PyTorchJobSpec(
        pytorch_replica_specs=replicas,
        nproc_per_node=str(config.processes_per_node),
        elastic_policy=_elastic_policy(config) if config.is_elastic else None,
        run_policy=training.KubeflowOrgV1RunPolicy(
            clean_pod_policy="Running",
            active_deadline_seconds=config.deadline_seconds,
            ttl_seconds_after_finished=config.ttl_seconds,
            suspend=True if config.queue else None,
        ),
    )
    return training.KubeflowOrgV1PyTorchJob(spec=specification)


def leader_labels(config: DistributeConfig) -> dict[str, str]:
    """The labels of the pod of rank 0."""
    return {_TYPE: "worker" if config.is_elastic else "master", _INDEX: "0"}


def _replica(
    config: DistributeConfig, arguments: Sequence[str], count: int, labels: Mapping[str, str]
) -> training.KubeflowOrgV1ReplicaSpec:
    trains = container(config, name=CONTAINER, command=pod_command(config), arguments=arguments)
    template = models.V1PodTemplateSpec(
        metadata=models.V1ObjectMeta(labels={**labels, "sidecar.istio.io/inject": "false"}),
        spec=pod_spec(config, trains),
    )
    # ExitCode makes a pod anew after a preemption (143), not after an error of the program. torchrun ends with 1
    # whatever has happened, so there the container is restarted in its place.
    policy = "OnFailure" if config.needs_torchrun else "ExitCode"
    return training.KubeflowOrgV1ReplicaSpec(replicas=count, restart_policy=policy, template=template)


def _elastic_policy(config: DistributeConfig) -> training.KubeflowOrgV1ElasticPolicy:
    return training.KubeflowOrgV1ElasticPolicy(
        min_replicas=config.min_nodes,
        max_replicas=config.nodes,
        max_restarts=config.max_restarts,
        rdzv_backend="c10d",
    )
