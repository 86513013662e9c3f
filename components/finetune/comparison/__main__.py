"""`intclass compare-strategies`."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Annotated, Final

import typer

from intclass.components.finetune.comparison.configurations import chosen, configurations
from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared.command import run
from intclass.components.shared.cores import available_cores

_USUAL: Final = FinetuneConfig()
PAGE: Final = "comparison.html"


def main(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Folder that `intclass dataset` wrote, or gs://.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the page, the numbers and the models.")],
    workers: Annotated[int, typer.Option(min=2, help="Processes that train together.")] = 2,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Compare one process with these only; repeatable.")
    ] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the train split.")] = 5,
    batch_tokens: Annotated[int, typer.Option(help="Tokens in one step of one worker.")] = 1024,
    average_every: Annotated[int, typer.Option(metavar="STEPS", help="Of local-sgd.")] = _USUAL.average_every,
    runs: Annotated[int, typer.Option(min=1, help="Of those that differ from run to run, with seeds 0, 1, ...")] = 5,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another option of `intclass finetune`; repeatable."),
    ] = None,
) -> None:
    """Train the same model in several parallel ways, and write how they compare on one page.

    Example: `intclass compare-strategies runs/laptop/examples --out comparison --set hidden-size=64`
    """
    from intclass.components.finetune.comparison.report import render_comparison, to_json
    from intclass.components.finetune.comparison.running import train_all

    compared = chosen(
        configurations(workers, batch_tokens=batch_tokens, average_every=average_every, runs=runs), only or []
    )
    common = [f"--epochs={epochs}", f"--patience={epochs}", f"--batch-tokens={batch_tokens}"]
    common += [f"--{option}" for option in options or []]
    outcomes = train_all(dataset, out, compared, options=common)
    machine = f"{platform.machine()}, {available_cores()} cores, Python {platform.python_version()}"
    page = render_comparison(outcomes, dataset=dataset, machine=machine, options=common)
    (out / PAGE).write_text(page)
    (out / "comparison.json").write_text(json.dumps(to_json(outcomes), indent=2) + "\n")
    typer.echo(out / PAGE)


if __name__ == "__main__":
    run(main)
