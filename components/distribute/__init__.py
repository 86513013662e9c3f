"""Distribute: finetune's training on several machines: a PyTorchJob or TrainJob on a cluster, torchrun here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from intclass.components.shared.lazy import lazily

if TYPE_CHECKING:
    from intclass.components.distribute.config import DistributeConfig
    from intclass.components.distribute.stage import distribute

__all__ = ["DistributeConfig", "distribute"]

_HOMES: Final = {"DistributeConfig": "config", "distribute": "stage"}

__getattr__ = lazily(__name__, _HOMES)
