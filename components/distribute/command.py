"""The program that a pod of the training runs."""

from __future__ import annotations

from intclass.components.distribute.config import DistributeConfig
from intclass.components.finetune.command_line import MODULE


def pod_command(config: DistributeConfig) -> list[str]:
    """The program of a pod, whose processes find each other by what its controller sets."""
    torchrun = ["-m", "torch.distributed.run"] if config.needs_torchrun else []
    return ["python", *torchrun, "-m", MODULE]
