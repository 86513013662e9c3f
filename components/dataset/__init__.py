"""Outcomes of integration become a labelled dataset: deduplicated, split without leaks, described by a data card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from intclass.components.shared.lazy import lazily

if TYPE_CHECKING:
    from intclass.components.dataset.building import build_dataset
    from intclass.components.dataset.config import CLASS_NAMES, DatasetConfig, Target

__all__ = ["CLASS_NAMES", "DatasetConfig", "Target", "build_dataset"]

_HOMES: Final = {
    "build_dataset": "building",
    "CLASS_NAMES": "config",
    "DatasetConfig": "config",
    "Target": "config",
}

__getattr__ = lazily(__name__, _HOMES)
