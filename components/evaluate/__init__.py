"""Evaluate: a model on the held-out split, against baselines, with intervals and a report that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from intclass.components.shared.lazy import lazily

if TYPE_CHECKING:
    from intclass.components.evaluate.evaluation import Evaluation, load_evaluation
    from intclass.components.evaluate.further import Also
    from intclass.components.evaluate.stage import EvaluateConfig, evaluate

__all__ = ["Also", "EvaluateConfig", "Evaluation", "evaluate", "load_evaluation"]

_HOMES: Final = {
    "Also": "further",
    "Evaluation": "evaluation",
    "load_evaluation": "evaluation",
    "EvaluateConfig": "stage",
    "evaluate": "stage",
}

__getattr__ = lazily(__name__, _HOMES)
