"""`intclass dataset`, also `python -m intclass.components.dataset`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from intclass.components.dataset.config import Target
from intclass.components.shared.command import run


def main(
    outcomes: Annotated[
        list[str], typer.Argument(help="Folders that `intclass integrate` wrote, folders of those, or Parquet files.")
    ],
    out: Annotated[str, typer.Option(help="Folder for the dataset; may be gs://.")],
    target: Annotated[
        Target,
        typer.Option(
            help="What to predict: `elementary` (is there an elementary antiderivative?) or "
            "`solved` (does SymPy find a closed form in time?)."
        ),
    ] = "elementary",
    solved_within: Annotated[
        float, typer.Option(help="For the target solved: in time means within so many seconds.")
    ] = 1.0,
    test_fraction: Annotated[float, typer.Option(help="Share of the test split.")] = 0.15,
    validation_fraction: Annotated[float, typer.Option(help="Share of the validation split.")] = 0.15,
    max_per_skeleton: Annotated[
        int, typer.Option(help="Keep so many functions that differ in constants alone; 0 keeps all.")
    ] = 1,
    hold_out: Annotated[
        list[str] | None,
        typer.Option(help="Text file of integrands, one a line: leave out their near-copies. Repeatable."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides which functions lie in which split.")] = 0,
) -> None:
    """Turn outcomes into a dataset: labelled, without duplicates, split so that near-copies never cross.

    Writes examples.parquet, a data card README.md and manifest.json.

    Example: `intclass dataset runs/laptop/outcomes --out examples --target elementary`
    """
    from intclass.components.dataset import DatasetConfig, build_dataset

    config = DatasetConfig(
        target=target,
        solved_within_seconds=solved_within,
        test_fraction=test_fraction,
        validation_fraction=validation_fraction,
        max_per_skeleton=max_per_skeleton,
        hold_out=tuple(hold_out or ()),
        seed=seed,
    )
    counts = build_dataset(outcomes, out, config).counts
    _tell(counts, config.class_names, out)


def _tell(counts: Mapping[str, int], class_names: tuple[str, str], out: str) -> None:
    """Say what came of it, in three lines."""

    def listed(names: list[str]) -> str:
        return ", ".join(f"{name.removeprefix('dropped_')} {counts[name]:,}" for name in names)

    dropped = [name for name, count in counts.items() if name.startswith("dropped_") and count]
    typer.echo(f"{counts['examples']:,} examples ({listed(list(class_names))}) of {counts['outcomes']:,} outcomes")
    typer.echo(f"splits: {listed(['train', 'validation', 'test'])}; dropped: {listed(dropped) or 'none'}")
    typer.echo(f"in {out}; next: intclass finetune {out} --out MODEL")


if __name__ == "__main__":
    run(main)
