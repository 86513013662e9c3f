"""The command `intclass compare-models`."""

from __future__ import annotations

from typing import Annotated

import typer

from intclass.components.shared.command import run


def main(
    dataset: Annotated[str, typer.Argument(help="Folder of a dataset; its test splits are what counts.")],
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Folders of models, every seed its own.")],
    out: Annotated[str, typer.Option(metavar="FILE", help="Where to write the Markdown.")],
    seed: Annotated[int, typer.Option(help="Seed of the baselines.")] = 0,
) -> None:
    """Put several models, their seeds, and all baselines into one table.

    Models whose options differ in the seed alone are one line, with mean and standard deviation. If all were trained
    with the same --train-examples, the baselines learn from these too. McNemar's test sets the models against each
    other and against the best baseline. A BERT that was never pretrained is a good control: `python -m
    intclass.components.evaluate.random_weights` makes one for `intclass finetune --base-model`.

    Example: `intclass compare-models datasets/v1 runs/small-0 runs/small-1 runs/small-2 runs/bert --out docs/models.md`
    """
    from intclass.components.evaluate.model_table import compare_models
    from intclass.components.evaluate.model_table_text import render_table
    from intclass.components.shared import storage

    storage.write_text(out, render_table(compare_models(models, dataset, seed=seed)))
    typer.echo(f"table: {out}")


if __name__ == "__main__":
    run(main)
