"""Finetune: a dataset in, a calibrated Hugging Face sequence classifier out, and the face it is used through."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from intclass.components.finetune.classifier import Classifier
    from intclass.components.finetune.config import FinetuneConfig
    from intclass.components.finetune.stage import finetune

# Read once, when torch is loaded. By default OpenMP's threads spin while they wait for each other; where another
# process has taken a core, that makes a training step many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = ["Classifier", "FinetuneConfig", "finetune"]

# Loaded when first asked for: the stage needs torch, and `intclass --help` does not.
_HOMES: Final = {"Classifier": "classifier", "FinetuneConfig": "config", "finetune": "stage"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
