"""The command `intclass evaluate`, also `python -m intclass.components.evaluate`."""

from __future__ import annotations

from typing import Annotated

import typer

from intclass.components.shared.command import run


def main(
    model: Annotated[str, typer.Argument(help="Folder of a trained model, as `intclass finetune` writes it.")],
    dataset: Annotated[str, typer.Argument(help="Folder of a dataset; the model is measured on its test split.")],
    out: Annotated[str, typer.Option(help="Folder for the report and the numbers.")],
    bootstrap: Annotated[int, typer.Option(help="Resamples of the test split behind each 95 % interval.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the resamples and of the baselines.")] = 0,
    probes: Annotated[int, typer.Option(help="Test functions to rewrite; 0 leaves the probes out.")] = 500,
    test: Annotated[
        str | None, typer.Option(metavar="FILE", help="CSV, TSV or JSONL with `integrand` and `truth`: one more test.")
    ] = None,
    relabelled: Annotated[
        str | None, typer.Option(metavar="DIR", help="Second outcomes of test functions, by `intclass relabel`.")
    ] = None,
    served: Annotated[
        str | None, typer.Option(metavar="DIR", help="The model now served, or its evaluation: to be beaten too.")
    ] = None,
    margin: Annotated[
        float, typer.Option(help="Lead in accuracy, 0.01 for a point, that a model needs to be deployed.")
    ] = 0.0,
) -> None:
    """Measure a model on held-out functions, against baselines, and write a report.

    Six baselines are trained on the dataset's training split, from the majority class to boosted trees. The folder
    gets report.html (one file, opens anywhere), summary.md, metrics.json, predictions.parquet, a model card, and
    gate.md: whether the model may be deployed, and why.

    Example: `intclass evaluate runs/laptop/model runs/laptop/examples --out report`
    """
    from rich.console import Console

    from intclass.components.evaluate import Also, EvaluateConfig, evaluate, load_evaluation
    from intclass.components.evaluate.summary import summary_table
    from intclass.components.shared import storage

    config = EvaluateConfig(bootstrap=bootstrap, seed=seed, probes=probes, margin=margin)
    evaluate(model, dataset, out, config, also=Also(test=test, relabelled=relabelled, served=served))
    evaluation = load_evaluation(out)
    Console().print(summary_table(evaluation))
    typer.echo(evaluation.decision.reason)
    typer.echo(f"report: {storage.join(out, 'report.html')}")


if __name__ == "__main__":
    run(main)
