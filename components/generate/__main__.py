"""`intclass generate`, also `python -m intclass.components.generate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from intclass.components.shared.command import run


def main(
    count: Annotated[int, typer.Option(help="How many distinct functions to draw.")],
    out: Annotated[str, typer.Option(help="Folder for the functions; may be gs://.")],
    internal_nodes: Annotated[
        str,
        typer.Option(
            help="Operators in a function, as drawn: one number, or a range A-B drawn from evenly.", metavar="A-B"
        ),
    ] = "3-7",
    grammar: Annotated[
        str,
        typer.Option(
            help="What functions are made of: `intclass`, `lample-charton`, or a YAML file of your own "
            "(every run writes its grammar as grammar.yaml: a form to start from)."
        ),
    ] = "intclass",
    families: Annotated[
        str,
        typer.Option(
            help="How functions are drawn, with weights if not equal: `forward`, `short` (textbook's), label "
            "unknown; with a label known by construction, `backward`, `parts` (elementary), `liouville`, `chebyshev`, "
            "`disguised` (both classes).",
            metavar="NAME[:WEIGHT],...",
        ),
    ] = "forward",
    seed: Annotated[int, typer.Option(help="Every random choice follows from it.")] = 0,
    start_index: Annotated[
        int,
        typer.Option(help="Where in the seed's sequence to begin: the next_index of an earlier run goes on from it."),
    ] = 0,
    workers: Annotated[
        int, typer.Option(help="Processes; 0 means one for each core. The functions are the same for any number.")
    ] = 0,
) -> None:
    """Draw random functions of x: uniform trees of operators, without constants, infinities and duplicates.

    A function depends on the seed and its index alone, whatever the number of workers.
    Families other than `forward` give each function a label, a certificate, and its antiderivative if it has one.
    Writes functions.parquet, grammar.yaml and manifest.json.

    Example: `intclass generate --count 10000 --internal-nodes 3-7 --out functions`
    Example: `intclass generate --count 10000 --families forward:2,backward,parts,disguised:2 --out functions`
    """
    from intclass.components.generate import GenerateConfig, generate, parse_families, parse_internal_nodes

    config = GenerateConfig(
        count=count,
        internal_nodes=parse_internal_nodes(internal_nodes),
        grammar=grammar,
        families=parse_families(families),
        seed=seed,
        start_index=start_index,
        workers=workers,
    )
    _tell(generate(out, config).counts, out)


def _tell(counts: Mapping[str, int], out: str) -> None:
    """Say what came of it, in a few lines."""
    refused = {name.removeprefix("refused_"): number for name, number in counts.items() if name.startswith("refused_")}
    kinds = ", ".join(f"{name} {number:,}" for name, number in refused.items() if number)
    typer.echo(
        f"{counts['rows']:,} functions from {counts['drawn']:,} draws; {counts['duplicates']:,} duplicates dropped"
    )
    typer.echo(f"refused: {kinds or 'none'}")
    if counts["elementary"] or counts["nonelementary"]:
        known = f"{counts['elementary']:,} elementary, {counts['nonelementary']:,} nonelementary"
        typer.echo(f"known by construction: {known}")
    typer.echo(f"in {out}; next: intclass integrate {out} --out OUTCOMES; more: --start-index {counts['next_index']}")


if __name__ == "__main__":
    run(main)
