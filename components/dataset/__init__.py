"""Outcomes of integration become a labelled dataset: deduplicated, split without leaks, described by a data card."""

from __future__ import annotations

from intclass.components.dataset.building import build_dataset
from intclass.components.dataset.config import CLASS_NAMES, DatasetConfig, Target

__all__ = ["CLASS_NAMES", "DatasetConfig", "Target", "build_dataset"]
