"""`python -m intclass.components.integrate`: one shard, for a laptop, a pipeline step or an Indexed Job."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from intclass.components.integrate.config import SchedulerName
from intclass.components.shared import storage
from intclass.components.shared.command import run

_SHARD_VARIABLE = "JOB_COMPLETION_INDEX"  # Kubernetes sets it in the pods of an Indexed Job


def main(
    functions: Annotated[
        str, typer.Argument(help="What generate wrote, or a Parquet, JSONL or CSV file with a column `integrand`.")
    ],
    out: Annotated[
        str, typer.Option(help="Folder for the outcomes, local or gs://; each of several shards has its own below it.")
    ],
    engines: Annotated[
        str, typer.Option(help="Who is asked, in this order: fricas,sympy or sympy; auto takes the best there is.")
    ] = "auto",
    limit_seconds: Annotated[
        float, typer.Option(help="Wall seconds that one engine may spend on one function before it is killed.")
    ] = 2.0,
    memory_mb: Annotated[int, typer.Option(help="Memory in MB that one worker may use before it is killed.")] = 2048,
    workers: Annotated[int, typer.Option(help="Functions worked on at a time; 0: one for each core.")] = 0,
    scheduler: Annotated[
        SchedulerName, typer.Option(help="Idle workers take from one queue, or from their own and then from others'.")
    ] = "balance",
    shard: Annotated[int, typer.Option(help="Which part of the input to do, from 0.", envvar=_SHARD_VARIABLE)] = 0,
    num_shards: Annotated[int, typer.Option(help="How many parts there are.")] = 1,
    journal: Annotated[
        str | None, typer.Option(help="Folder or gs:// prefix for unfinished work.", show_default="OUT/journal")
    ] = None,
    ask_all: Annotated[bool, typer.Option(help="Ask every engine even when one has decided.")] = False,
    search_known: Annotated[bool, typer.Option(help="Ask also where the label is known by construction.")] = False,
) -> None:
    """Label functions as elementary, nonelementary or unknown, each with its evidence.

    FriCAS (`apt-get install fricas`, or the extra `fricas`) proves that an integral is not elementary; without it
    hardly any function gets that label. An engine that hangs is killed at its limit, which decides nothing.
    Interrupted, the same command goes on where it stopped. The pods of a Kubernetes Indexed Job can share one command:
    each takes its completion index for the shard and writes to OUT/shard-00003-of-00010.

    Example: `intclass integrate my_functions.csv --out runs/outcomes --limit-seconds 1`
    """
    from intclass.components.integrate import IntegrateConfig, integrate

    signal.signal(signal.SIGTERM, _stop)
    config = IntegrateConfig(
        engines=(engines,) if engines == "auto" else tuple(engines.split(",")),
        limit_seconds=limit_seconds,
        memory_mb=memory_mb,
        workers=workers,
        scheduler=scheduler,
        shard=shard,
        num_shards=num_shards,
        journal=journal,
        ask_all=ask_all,
        search_known=search_known,
    )
    place = storage.join(out, config.shard_name) if num_shards > 1 else out
    counts = integrate(functions, place, config).counts
    labels = ", ".join(f"{name} {counts[name]}" for name in ("elementary", "nonelementary", "unknown"))
    typer.echo(f"{counts['functions']} functions: {labels}")
    typer.echo(f"outcomes: {place if storage.is_remote(place) else Path(place)}")


def _stop(number: int, _: FrameType | None) -> None:
    """End as on Ctrl-C: what is finished is kept, every process is stopped."""
    sys.exit(128 + number)


if __name__ == "__main__":
    run(main)
