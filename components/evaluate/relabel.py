"""The command `intclass relabel`."""

from __future__ import annotations

from typing import Annotated

import typer

from intclass.components.shared.command import run


def main(
    dataset: Annotated[str, typer.Argument(help="Folder of a dataset; functions of its test split are drawn.")],
    out: Annotated[str, typer.Option(help="Folder for the second outcomes.")],
    count: Annotated[int, typer.Option(help="How many functions to label again.")] = 2000,
    engines: Annotated[str, typer.Option(help="Who integrates, in this order; as for `intclass integrate`.")] = "auto",
    limit_seconds: Annotated[float, typer.Option(help="Wall seconds of one engine for one function.")] = 2.0,
    workers: Annotated[int, typer.Option(help="Processes; 0 means one for each core.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
) -> None:
    """Label functions of a dataset a second time: how far do the labels agree with themselves?

    That agreement is the best accuracy that a model can be expected to have. `intclass evaluate --relabelled DIR` puts
    it into the report. An interrupted run goes on where it stopped.

    Example: `intclass relabel runs/laptop/examples --out again`
    """
    from intclass.components.evaluate.ceiling import measure_ceiling
    from intclass.components.evaluate.second_run import relabel
    from intclass.components.integrate import IntegrateConfig
    from intclass.components.shared.manifest import is_complete, read_manifest
    from intclass.components.shared.phrases import count as spelled
    from intclass.components.shared.phrases import percent
    from intclass.components.shared.records import EXAMPLES, read_table

    options = IntegrateConfig(engines=tuple(engines.split(",")), limit_seconds=limit_seconds, workers=workers)
    relabel(dataset, out, options, count=count, seed=seed)
    examples = read_table(dataset, EXAMPLES).to_pylist()
    config = read_manifest(dataset).config if is_complete(dataset) else {}
    ceiling = measure_ceiling(
        examples,
        out,
        target=str(examples[0]["target"]),
        solved_within_seconds=config.get("solved_within_seconds"),
    )
    typer.echo(
        f"{percent(ceiling.agreement.value)} of {spelled(ceiling.functions - ceiling.undecided)} labels agree; "
        f"{spelled(ceiling.undecided)} were not decided again"
    )


if __name__ == "__main__":
    run(main)
