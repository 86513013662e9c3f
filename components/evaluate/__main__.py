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
) -> None:
    """Measure a model on held-out functions, against baselines, and write a report.

    Six baselines are trained on the dataset's training split, from the majority class to boosted trees. The folder
    gets report.html (one file, opens anywhere), summary.md, metrics.json and predictions.parquet.

    Example: `intclass evaluate runs/laptop/model runs/laptop/examples --out report`
    """
    from rich.console import Console

    from intclass.components.evaluate import EvaluateConfig, evaluate, load_evaluation
    from intclass.components.evaluate.summary import summary_table
    from intclass.components.shared import storage

    evaluate(model, dataset, out, EvaluateConfig(bootstrap=bootstrap, seed=seed))
    Console().print(summary_table(load_evaluation(out)))
    typer.echo(f"report: {storage.join(out, 'report.html')}")


if __name__ == "__main__":
    run(main)
