"""Evaluate: a model on the held-out split, against baselines, with intervals and a report that can be read."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from intclass.components.evaluate.evaluation import Evaluation, load_evaluation
    from intclass.components.evaluate.stage import EvaluateConfig, evaluate

__all__ = ["EvaluateConfig", "Evaluation", "evaluate", "load_evaluation"]

# Loaded when first asked for: the stage needs torch and scikit-learn, and `intclass --help` does not.
_HOMES: Final = {
    "EvaluateConfig": "stage",
    "evaluate": "stage",
    "Evaluation": "evaluation",
    "load_evaluation": "evaluation",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
