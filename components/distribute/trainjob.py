"""The training as a TrainJob of Kubeflow Trainer v2, with its runtime `torch-distributed`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from kubeflow_trainer_api import models as trainer
from kubernetes.client import ApiClient

from intclass.components.distribute.command import pod_command
from intclass.components.distribute.config import DistributeConfig
from intclass.components.shared.kube import pod as pods

RUNTIME: Final = "torch-distributed"
CONTAINER: Final = "node"  # of the runtime's pods, and of the replicated job that makes them
_MANAGER: Final = "intclass.github.io/distribute"
LEADER_LABELS: Final = {
    "batch.kubernetes.io/job-completion-index": "0",
    "jobset.sigs.k8s.io/replicatedjob-name": "node",
}

T = TypeVar("T")


def trainjob(
    config: DistributeConfig, arguments: Sequence[str], *, labels: Mapping[str, str]
) -> trainer.TrainerV1alpha1TrainJob:
    """As many nodes with the processes of one each; its metadata is left out."""
    trains = trainer.TrainerV1alpha1Trainer(
        image=config.image,
        command=pod_command(config),
        args=list(arguments),
        env=[trainer.IoK8sApiCoreV1EnvVar(name=key, value=value) for key, value in pods.environment().items()],
        num_nodes=config.nodes,
        num_proc_per_node=config.processes_per_node,
        resources_per_node=_converted(trainer.IoK8sApiCoreV1ResourceRequirements, pods.resources(config)),
    )
    specification = trainer.TrainerV1alpha1TrainJobSpec(
        runtime_ref=trainer.TrainerV1alpha1RuntimeRef(name=RUNTIME),
        trainer=trains,
        runtime_patches=[_patch(config, labels)],
        active_deadline_seconds=config.deadline_seconds,
        suspend=True if config.queue else None,
    )
    return trainer.TrainerV1alpha1TrainJob(spec=specification)


def _patch(config: DistributeConfig, labels: Mapping[str, str]) -> trainer.TrainerV1alpha1RuntimePatch:
    """What the pods have beyond the runtime's own: placement, identity, room to write, limits on what they may do."""
    made = pods.container(config, name=CONTAINER, command=(), arguments=())
    around = pods.pod_spec(config, made)
    inner = trainer.TrainerV1alpha1ContainerPatch(
        name=CONTAINER,
        volume_mounts=[_converted(trainer.IoK8sApiCoreV1VolumeMount, mount) for mount in made.volume_mounts],
        security_context=_converted(trainer.IoK8sApiCoreV1SecurityContext, made.security_context),
    )
    pod = trainer.TrainerV1alpha1PodSpecPatch(
        containers=[inner],
        service_account_name=around.service_account_name,
        node_selector=around.node_selector,
        tolerations=[_converted(trainer.IoK8sApiCoreV1Toleration, one) for one in around.tolerations or []] or None,
        affinity=_converted(trainer.IoK8sApiCoreV1Affinity, around.affinity) if around.affinity else None,
        security_context=_converted(trainer.IoK8sApiCoreV1PodSecurityContext, around.security_context),
        termination_grace_period_seconds=around.termination_grace_period_seconds,
        volumes=[_converted(trainer.IoK8sApiCoreV1Volume, volume) for volume in around.volumes],
    )
    meta = trainer.IoK8sApimachineryPkgApisMetaV1ObjectMeta(labels=dict(labels))
    template = trainer.TrainerV1alpha1PodTemplatePatch(metadata=meta, spec=pod)
    job = trainer.TrainerV1alpha1JobTemplatePatch(spec=trainer.TrainerV1alpha1JobSpecPatch(template=template))
    replicated = trainer.TrainerV1alpha1ReplicatedJobPatch(name=CONTAINER, template=job)
    jobset = trainer.TrainerV1alpha1JobSetTemplatePatch(
        spec=trainer.TrainerV1alpha1JobSetSpecPatch(replicated_jobs=[replicated])
    )
    return trainer.TrainerV1alpha1RuntimePatch(
        manager=_MANAGER, training_runtime_spec=trainer.TrainerV1alpha1TrainingRuntimeSpecPatch(template=jobset)
    )


def _converted(target: type[T], model: Any) -> T:  # noqa: ANN401 - any model of the client
    """A model of the Kubernetes client as the same one of the Trainer's own client."""
    made: T = target.from_dict(ApiClient().sanitize_for_serialization(model))  # type: ignore[attr-defined]
    return made
