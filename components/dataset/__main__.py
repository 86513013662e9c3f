"""`intclass dataset`, also `python -m intclass.components.dataset`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from intclass.components.dataset.config import DatasetConfig, Target
from intclass.components.shared.command import run
from intclass.components.shared.records import SPLITS


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
    hold_out_scaled: Annotated[
        list[str] | None,
        typer.Option(help="The same, but leave out only what agrees up to constant terms and factors. Repeatable."),
    ] = None,
    extends: Annotated[
        str | None,
        typer.Option(metavar="DATASET", help="Build upon this dataset: write what is new, split as it was split."),
    ] = None,
    hold_out_generator: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Make this generator's functions the split test_generator. Repeatable."),
    ] = None,
    hold_out_larger_than: Annotated[
        int, typer.Option(metavar="NODES", help="Make functions of more nodes the split test_size; 0: none.")
    ] = 0,
    hold_out_structures: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Make functions of this share of all tree shapes the split test_structure."),
    ] = 0.0,
    compact: Annotated[
        bool, typer.Option("--compact", help="A file of half the size: what other columns say is left out.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Decides which functions lie in which split.")] = 0,
    min_success_ratio: Annotated[
        float, typer.Option(help="Go on if at least this share of a run's shards is there, though others failed.")
    ] = 1.0,
) -> None:
    """Turn outcomes into a dataset: labelled, without duplicates, split so that near-copies never cross.

    Writes examples.parquet, a data card README.md, report.html and manifest.json.

    Example: `intclass dataset runs/laptop/outcomes --out examples --target elementary`
    Example: `intclass dataset runs/laptop/outcomes --out examples --hold-out-larger-than 30 --hold-out-structures 0.05`
    """
    from intclass.components.dataset import build_dataset

    config = DatasetConfig(
        target=target,
        solved_within_seconds=solved_within,
        test_fraction=test_fraction,
        validation_fraction=validation_fraction,
        max_per_skeleton=max_per_skeleton,
        hold_out=tuple(hold_out or ()),
        hold_out_scaled=tuple(hold_out_scaled or ()),
        extends=extends,
        hold_out_generators=tuple(hold_out_generator or ()),
        hold_out_larger_than=hold_out_larger_than,
        hold_out_structures=hold_out_structures,
        compact=compact,
        seed=seed,
    )
    counts = build_dataset(outcomes, out, config, min_success_ratio=min_success_ratio).counts
    _tell(counts, config, out)


def _tell(counts: Mapping[str, int], config: DatasetConfig, out: str) -> None:
    """Say what came of it, in three lines."""

    def listed(names: Sequence[str]) -> str:
        return ", ".join(f"{name.removeprefix('dropped_')} {counts[name]:,}" for name in names)

    dropped = [name for name, count in counts.items() if name.startswith("dropped_") and count]
    typer.echo(f"{counts['examples']:,} examples ({listed(config.class_names)}) of {counts['outcomes']:,} outcomes")
    splits = [split for split in SPLITS if counts.get(split)]
    typer.echo(f"splits: {listed(splits)}; dropped: {listed(dropped) or 'none'}")
    if config.extends:
        typer.echo(f"after {counts['base_examples']:,} of {config.extends}, {counts['base_left_out']:,} left out")
    typer.echo(f"in {out}; next: intclass finetune {out} --out MODEL")


if __name__ == "__main__":
    run(main)
