"""What a user may choose about the machines that train together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from intclass.components.shared.errors import ConfigError
from intclass.components.shared.images import TRAIN
from intclass.components.shared.kube.quantities import check_quantity

Launcher = Literal["local", "pytorchjob", "trainjob"]

_AT_LEAST: Final = {"nodes": 1, "min_nodes": 0, "gpus": 0, "deadline_seconds": 1, "ttl_seconds": 0, "max_restarts": 0}


@dataclass(frozen=True, kw_only=True)
class DistributeConfig:
    """Where a training runs, on how many nodes, and what each of them has.

    Attributes:
        launcher: `local` (torchrun on this machine), `pytorchjob` (Training Operator v1) or `trainjob` (Trainer v2).
        nodes: Pods that train together: one master and `nodes` - 1 workers. Locally, processes.
        min_nodes: With 1 or more, the training is elastic: it goes on with as few workers as that, and has no master.
            For `pytorchjob` only.
        cpu: Cores of a pod, as Kubernetes writes them.
        memory: Memory of a pod, as Kubernetes writes it.
        gpus: NVIDIA GPUs of a pod; it runs one process for each, or one without.
        node_selector: Labels that a node must have, such as `cloud.google.com/gke-accelerator: nvidia-l4`.
        spot: Whether pods may run on spot machines, which are preferred where there are any.
        queue: Kueue's LocalQueue; the job is created suspended, and Kueue lets it start. Empty: no queue.
        image: The container image.
        service_account: Whose rights the pods have in the bucket.
        namespace: Where the job runs; empty takes this pod's own, or the kubeconfig's.
        deadline_seconds: After so long the job is ended, finished or not.
        ttl_seconds: How long a finished PyTorchJob can be looked at before it is deleted.
        max_restarts: How often elastic workers, or the processes of a pod with several GPUs, begin anew.
    """

    launcher: Launcher = "local"
    nodes: int = 3
    min_nodes: int = 0
    cpu: str = "4"
    memory: str = "16Gi"
    gpus: int = 0
    node_selector: Mapping[str, str] = field(default_factory=dict)
    spot: bool = True
    queue: str = ""
    image: str = TRAIN
    service_account: str = "intclass-train"
    namespace: str = ""
    deadline_seconds: int = 24 * 3600
    ttl_seconds: int = 24 * 3600
    max_restarts: int = 10

    def __post_init__(self) -> None:
        if self.launcher not in get_args(Launcher):
            raise ConfigError(f"launcher is {self.launcher!r}; choose one of {', '.join(get_args(Launcher))}")
        for name, least in _AT_LEAST.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; give at least {least}")
        for name in ("cpu", "memory"):
            check_quantity(name, getattr(self, name))
        if self.min_nodes > self.nodes:
            raise ConfigError(f"min_nodes is {self.min_nodes}; give at most nodes = {self.nodes}")
        if self.min_nodes and self.launcher == "trainjob":
            raise ConfigError("a TrainJob is not elastic; take launcher pytorchjob, or min_nodes 0")

    @property
    def is_elastic(self) -> bool:
        """Whether the number of nodes may change during training."""
        return self.min_nodes > 0

    @property
    def processes_per_node(self) -> int:
        """One for each GPU, else one."""
        return max(1, self.gpus)

    @property
    def needs_torchrun(self) -> bool:
        """Whether a pod starts several processes, or finds the others by itself: torchrun does both."""
        return self.is_elastic or self.processes_per_node > 1
