"""The pod of a training: what it runs, what it may use, where it may be placed, what it may not do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kubernetes.client import models

from intclass.components.distribute.config import DistributeConfig

GPU: Final = "nvidia.com/gpu"
SPOT: Final = "cloud.google.com/gke-spot"
# A spot machine of Google's is gone 15 s after SIGTERM at the earliest; a checkpoint must be written by then.
_GRACE_SECONDS: Final = 30
_USER: Final = 10001


def pod_spec(config: DistributeConfig, container: models.V1Container) -> models.V1PodSpec:
    """The pod around the container."""
    return models.V1PodSpec(
        containers=[container],
        service_account_name=config.service_account,
        node_selector=dict(config.node_selector) or None,
        tolerations=tolerations(config) or None,
        affinity=affinity(config),
        security_context=models.V1PodSecurityContext(
            run_as_non_root=True,
            run_as_user=_USER,
            run_as_group=_USER,
            fs_group=_USER,
            seccomp_profile=models.V1SeccompProfile(type="RuntimeDefault"),
        ),
        termination_grace_period_seconds=_GRACE_SECONDS,
        enable_service_links=False,
        volumes=volumes(),
    )


def container(
    config: DistributeConfig, *, name: str, command: Sequence[str], arguments: Sequence[str]
) -> models.V1Container:
    """The container that trains; nothing of its image can be written to but /tmp."""
    return models.V1Container(
        name=name,
        image=config.image,
        command=list(command),
        args=list(arguments),
        env=[models.V1EnvVar(name=key, value=value) for key, value in ENVIRONMENT.items()],
        resources=resources(config),
        volume_mounts=volume_mounts(),
        security_context=models.V1SecurityContext(
            allow_privilege_escalation=False,
            read_only_root_filesystem=True,
            capabilities=models.V1Capabilities(drop=["ALL"]),
        ),
    )


ENVIRONMENT: Final = {"HOME": "/tmp", "HF_HOME": "/tmp/huggingface", "OMP_WAIT_POLICY": "PASSIVE"}  # noqa: S108


def resources(config: DistributeConfig) -> models.V1ResourceRequirements:
    """Requests are limits for memory, which cannot be shared; cores beyond the request may be used while idle."""
    limits = {"memory": config.memory} | ({GPU: str(config.gpus)} if config.gpus else {})
    return models.V1ResourceRequirements(requests={"cpu": config.cpu, **limits}, limits=limits)


def volumes() -> list[models.V1Volume]:
    """Room for files, and shared memory for the processes of a node beyond a container's usual 64 MB."""
    return [
        models.V1Volume(name="tmp", empty_dir=models.V1EmptyDirVolumeSource()),
        models.V1Volume(name="shm", empty_dir=models.V1EmptyDirVolumeSource(medium="Memory")),
    ]


def volume_mounts() -> list[models.V1VolumeMount]:
    """Where the volumes are seen."""
    return [
        models.V1VolumeMount(name="tmp", mount_path="/tmp"),  # noqa: S108
        models.V1VolumeMount(name="shm", mount_path="/dev/shm"),  # noqa: S108
    ]


def tolerations(config: DistributeConfig) -> list[models.V1Toleration]:
    """Of the taints of spot and of GPU nodes, where the pod may use them."""
    spot = models.V1Toleration(key=SPOT, operator="Equal", value="true", effect="NoSchedule")
    gpu = models.V1Toleration(key=GPU, operator="Exists", effect="NoSchedule")
    return [*([spot] if config.spot else []), *([gpu] if config.gpus else [])]


def affinity(config: DistributeConfig) -> models.V1Affinity | None:
    """Spot machines first, others where there are none."""
    if not config.spot:
        return None
    labelled = models.V1NodeSelectorRequirement(key=SPOT, operator="In", values=["true"])
    preferred = models.V1PreferredSchedulingTerm(
        weight=100, preference=models.V1NodeSelectorTerm(match_expressions=[labelled])
    )
    return models.V1Affinity(
        node_affinity=models.V1NodeAffinity(preferred_during_scheduling_ignored_during_execution=[preferred])
    )
