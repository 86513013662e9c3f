"""The pod of a child job: what it runs, what it may use, where it may be placed, what it may not do."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from kubernetes.client import models

from intclass.components.shared.kube import containers
from intclass.components.shared.kube.containers import USER

EMULATOR: Final = "STORAGE_EMULATOR_HOST"
ENVIRONMENT: Final = {"HOME": "/tmp", "HF_HOME": "/tmp/huggingface", "OMP_WAIT_POLICY": "PASSIVE"}  # noqa: S108
SPOT: Final = "cloud.google.com/gke-spot"
# A spot machine of Google's is gone 15 s after SIGTERM at the earliest; a checkpoint must be written by then.
_GRACE_SECONDS: Final = 30


class PodOptions(Protocol):
    """What the options of a job say about its pods."""

    @property
    def image(self) -> str:
        """The container image."""

    @property
    def cpu(self) -> str:
        """Cores, as Kubernetes writes them."""

    @property
    def memory(self) -> str:
        """Memory, as Kubernetes writes it."""

    @property
    def gpus(self) -> int:
        """NVIDIA GPUs."""

    @property
    def node_selector(self) -> Mapping[str, str]:
        """Labels that a node must have."""

    @property
    def spot(self) -> bool:
        """Whether the pod may run on spot machines, which are preferred where there are any."""

    @property
    def service_account(self) -> str:
        """Whose rights the pod has."""


def pod_spec(options: PodOptions, container: models.V1Container) -> models.V1PodSpec:
    """The pod around the container."""
    return models.V1PodSpec(
        containers=[container],
        service_account_name=options.service_account,
        node_selector=dict(options.node_selector) or None,
        tolerations=tolerations(options) or None,
        affinity=affinity(options),
        security_context=models.V1PodSecurityContext(
            run_as_non_root=True,
            run_as_user=USER,
            run_as_group=USER,
            fs_group=USER,
            seccomp_profile=models.V1SeccompProfile(type="RuntimeDefault"),
        ),
        termination_grace_period_seconds=_GRACE_SECONDS,
        enable_service_links=False,
        volumes=volumes(),
    )


def container(
    options: PodOptions, *, name: str, command: Sequence[str], arguments: Sequence[str]
) -> models.V1Container:
    """The container of the job; nothing of its image can be written to but /tmp."""
    return models.V1Container(
        name=name,
        image=options.image,
        command=list(command),
        args=list(arguments),
        env=[models.V1EnvVar(name=key, value=value) for key, value in environment().items()],
        resources=resources(options),
        volume_mounts=volume_mounts(),
        security_context=containers.locked_down(),
    )


def environment() -> dict[str, str]:
    """The variables of the container; an emulated bucket that this process has been told of is handed on."""
    return ENVIRONMENT | ({EMULATOR: os.environ[EMULATOR]} if EMULATOR in os.environ else {})


def resources(options: PodOptions) -> models.V1ResourceRequirements:
    """The resources of one pod."""
    return containers.resources(cpu=options.cpu, memory=options.memory, gpus=options.gpus)


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


def tolerations(options: PodOptions) -> list[models.V1Toleration]:
    """Of the taints of spot and of GPU nodes, where the pod may use them."""
    spot = models.V1Toleration(key=SPOT, operator="Equal", value="true", effect="NoSchedule")
    return [*([spot] if options.spot else []), *([containers.gpu_toleration()] if options.gpus else [])]


def affinity(options: PodOptions) -> models.V1Affinity | None:
    """Spot machines first, others where there are none."""
    if not options.spot:
        return None
    labelled = models.V1NodeSelectorRequirement(key=SPOT, operator="In", values=["true"])
    preferred = models.V1PreferredSchedulingTerm(
        weight=100, preference=models.V1NodeSelectorTerm(match_expressions=[labelled])
    )
    return models.V1Affinity(
        node_affinity=models.V1NodeAffinity(preferred_during_scheduling_ignored_during_execution=[preferred])
    )
