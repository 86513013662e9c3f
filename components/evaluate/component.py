"""The KFP face of evaluate."""

from typing import NamedTuple

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
    decision: dsl.Output[dsl.Markdown],
    seed: int,
    margin: float = 0.0,
    served: str = "",
) -> NamedTuple("Outputs", [("deploy", bool)]):  # type: ignore[valid-type]
    """Measure the model on the test split against baselines, write the report, and say whether it may be deployed.

    The output `deploy` is true if the lower end of the paired 95 % interval of the lead in accuracy, over the best
    baseline and over `served` (the folder of the model that is served now, or of its evaluation; empty if there is
    none), is above `margin` (0.01 is a point). The artifact `decision` says why, for the user interface; a deployment
    can stand under `dsl.If(measured.outputs["deploy"] == True)`.
    """
    from intclass.components import evaluate as stage
    from intclass.components.evaluate import artifacts

    stage.evaluate(
        model.path,
        examples.path,
        evaluation.path,
        stage.EvaluateConfig(seed=seed, margin=margin),
        also=stage.Also(served=served or None),
    )
    deploy = artifacts.fill(
        evaluation.path,
        report=report,
        summary=summary,
        metrics=metrics,
        classification=classification,
        decision=decision,
    )
    return (deploy,)
