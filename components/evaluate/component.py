"""The KFP face of evaluate."""

from kfp import dsl

from intclass.components.shared.images import TRAIN


@dsl.component(base_image=TRAIN, install_kfp_package=False)
def evaluate(
    model: dsl.Input[dsl.Model],
    examples: dsl.Input[dsl.Dataset],
    evaluation: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    summary: dsl.Output[dsl.Markdown],
    metrics: dsl.Output[dsl.Metrics],
    classification: dsl.Output[dsl.ClassificationMetrics],
    seed: int,
) -> None:
    """Measure the model on the test split against baselines, and write the report."""
    from intclass.components import evaluate as stage
    from intclass.components.shared.storage import read_bytes, write_bytes

    stage.evaluate(model.path, examples.path, evaluation.path, stage.EvaluateConfig(seed=seed))
    result = stage.load_evaluation(evaluation.path)
    for name, value in result.metrics.items():
        metrics.log_metric(name, value)
    classification.log_roc_curve(list(result.roc.fpr), list(result.roc.tpr), list(result.roc.thresholds))
    classification.log_confusion_matrix(list(result.labels), [list(row) for row in result.confusion])
    for name, artifact in {"report.html": report, "summary.md": summary}.items():
        write_bytes(artifact.path, read_bytes(f"{evaluation.path}/{name}"))
    for artifact in (metrics, classification):
        write_bytes(artifact.path, b"")  # kfp.local takes a task from its cache only if every artifact is a file
