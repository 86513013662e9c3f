"""What the containers of all our pods have in common: the resources they ask for, and how little they may do."""

from __future__ import annotations

from typing import Final

from kubernetes.client import models

GPU: Final = "nvidia.com/gpu"
USER: Final = 10001  # the images' numeric user


def resources(*, cpu: str, memory: str, gpus: int = 0) -> models.V1ResourceRequirements:
    """Requests are limits for memory, which cannot be shared; cores beyond the request may be used while idle."""
    limits = {"memory": memory} | ({GPU: str(gpus)} if gpus else {})
    return models.V1ResourceRequirements(requests={"cpu": cpu, **limits}, limits=limits)


def locked_down(**more: object) -> models.V1SecurityContext:
    """No privileges to gain, no capability, nothing of the image can be written to; `more` is added to it."""
    return models.V1SecurityContext(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=models.V1Capabilities(drop=["ALL"]),
        **more,
    )


def gpu_toleration() -> models.V1Toleration:
    """Of the taint that keeps other pods off nodes with GPUs."""
    return models.V1Toleration(key=GPU, operator="Exists", effect="NoSchedule")
