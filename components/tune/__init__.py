"""Tune: one search space; Katib on a cluster, Optuna on this machine; the best options of finetune come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from intclass.components.shared.lazy import lazily

if TYPE_CHECKING:
    from intclass.components.tune.config import ClusterConfig, TuneConfig, in_pods
    from intclass.components.tune.reading import read_space
    from intclass.components.tune.results import publish, read_best
    from intclass.components.tune.space import SearchSpace
    from intclass.components.tune.stage import tune

__all__ = ["ClusterConfig", "SearchSpace", "TuneConfig", "in_pods", "publish", "read_best", "read_space", "tune"]

_HOMES: Final = {
    "ClusterConfig": "config",
    "SearchSpace": "space",
    "TuneConfig": "config",
    "in_pods": "config",
    "publish": "results",
    "read_best": "results",
    "read_space": "reading",
    "tune": "stage",
}

__getattr__ = lazily(__name__, _HOMES)
