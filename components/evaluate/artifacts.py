"""An evaluation as Kubeflow Pipelines artifacts: what the user interface shows of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from intclass.components.evaluate.evaluation import load_evaluation
from intclass.components.shared import storage


class Artifact(Protocol):
    """A file that a component leaves behind (`kfp.dsl.HTML`, `kfp.dsl.Markdown`)."""

    path: str


class Metrics(Artifact, Protocol):
    """Named numbers (`kfp.dsl.Metrics`)."""

    def log_metric(self, metric: str, value: float) -> None: ...  # noqa: D102 - as in kfp


class ClassificationMetrics(Artifact, Protocol):
    """A ROC curve and a confusion matrix (`kfp.dsl.ClassificationMetrics`)."""

    def log_roc_curve(self, fpr: list[float], tpr: list[float], threshold: list[float]) -> None: ...  # noqa: D102

    def log_confusion_matrix(self, categories: list[str], matrix: list[list[int]]) -> None: ...  # noqa: D102


def fill(
    folder: str | Path,
    *,
    report: Artifact,
    summary: Artifact,
    metrics: Metrics,
    classification: ClassificationMetrics,
    decision: Artifact,
) -> bool:
    """Fill a component's output artifacts from an evaluation's folder; returns whether the model may be deployed.

    Every artifact becomes a file too, because kfp.local takes a task from its cache only if all its artifacts exist.
    """
    evaluation = load_evaluation(folder)
    for artifact, name in ((report, "report.html"), (summary, "summary.md"), (decision, "gate.md")):
        storage.write_text(artifact.path, storage.read_text(storage.join(folder, name)))
    for metric, value in evaluation.metrics.items():
        metrics.log_metric(metric, value)
    roc = evaluation.roc
    classification.log_roc_curve(list(roc.fpr), list(roc.tpr), list(roc.thresholds))
    classification.log_confusion_matrix(list(evaluation.labels), [list(row) for row in evaluation.confusion])
    for empty in (metrics, classification):
        storage.write_bytes(empty.path, b"")
    return evaluation.decision.deploy
