"""Deploy: a served model on a cluster, as an InferenceService of KServe that a new model takes over step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from intclass.components.shared.lazy import lazily

if TYPE_CHECKING:
    from intclass.components.serve.deploy.config import DeployConfig
    from intclass.components.serve.deploy.stage import deploy

__all__ = ["DeployConfig", "deploy"]

_HOMES: Final = {"DeployConfig": "config", "deploy": "stage"}

__getattr__ = lazily(__name__, _HOMES)
