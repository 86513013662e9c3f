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
    from intclass.components.evaluate import artifacts

    stage.evaluate(model.path, examples.path, evaluation.path, stage.EvaluateConfig(seed=seed))
    artifacts.fill(
        evaluation.path,
        report=report,
        summary=summary,
        metrics=metrics,
        classification=classification,
    )
