"""Finetune: a dataset in, a calibrated Hugging Face sequence classifier out, and the face it is used through."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from intclass.components.shared.lazy import lazily

if TYPE_CHECKING:
    from intclass.components.finetune.classifier import Classifier
    from intclass.components.finetune.config import FinetuneConfig
    from intclass.components.finetune.options import with_options
    from intclass.components.finetune.stage import finetune

__all__ = ["Classifier", "FinetuneConfig", "finetune", "with_options"]

_HOMES: Final = {
    "Classifier": "classifier",
    "FinetuneConfig": "config",
    "finetune": "stage",
    "with_options": "options",
}

# OpenMP reads it when torch is loaded: threads that spin while they wait cost ten times the speed on shared cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__getattr__ = lazily(__name__, _HOMES)
