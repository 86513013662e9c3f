"""`intclass estimate`: how long, how many core-hours, how many dollars."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from intclass.components.shared.command import run
from intclass.components.shared.errors import ConfigError
from intclass.pipelines.estimate.cluster import Cluster, Prices

if TYPE_CHECKING:
    from intclass.pipelines.estimate.solve_times import SolveTimes

MEASURED: Final = Path(__file__).parent / "measured.json"  # made by `--save`; it says from what, where and when
_CLUSTER: Final = Cluster()
_PRICES: Final = Prices()


def main(
    outcomes: Annotated[
        list[str] | None,
        typer.Argument(help="Folders that integrate wrote, or a file of --save.", show_default="what came along"),
    ] = None,
    functions: Annotated[str, typer.Option(help="How many to label: numbers, separated by commas.")] = "20e6,100e6",
    shard_size: Annotated[int, typer.Option(help="Functions in a shard; 0: what is found to be best.")] = 0,
    generators: Annotated[str, typer.Option(help="Only functions drawn so, such as forward,backward.")] = "",
    grammars: Annotated[str, typer.Option(help="Only functions of these grammars.")] = "",
    internal_nodes: Annotated[str, typer.Option(help="Only functions of this size: 10, or a range such as 3-12.")] = "",
    busy_share: Annotated[
        float, typer.Option(help="Part of a worker's time that goes to functions; 0: as measured, else 0.886.")
    ] = 0.0,
    nodes: Annotated[int, typer.Option(help="Nodes at most.")] = _CLUSTER.nodes,
    node_cores: Annotated[int, typer.Option(help="Cores (vCPU) of a node.")] = _CLUSTER.node_cores,
    node_memory_gb: Annotated[float, typer.Option(help="Memory of a node in GB.")] = _CLUSTER.node_memory_gb,
    workers: Annotated[int, typer.Option(help="Functions that a node works on at a time.")] = _CLUSTER.workers,
    speed: Annotated[float, typer.Option(help="A node's core over the core measured on.")] = _CLUSTER.speed,
    node_start_seconds: Annotated[
        float, typer.Option(help="From a pending pod to its start on a new node (assumed).")
    ] = _CLUSTER.node_start_seconds,
    pod_start_seconds: Annotated[
        float, typer.Option(help="From a pod's start to its first function (assumed).")
    ] = _CLUSTER.pod_start_seconds,
    read_seconds: Annotated[
        float, typer.Option(help="For one row of the table that a shard is cut from.")
    ] = _CLUSTER.read_seconds,
    table_rows: Annotated[int, typer.Option(help="Rows of one table of functions.")] = _CLUSTER.table_rows,
    preemptions_per_hour: Annotated[
        float, typer.Option(help="Of one node; 15 % a day, the upper end of what Google has reported.")
    ] = _CLUSTER.preemptions_per_hour,
    notice_seconds: Annotated[
        float, typer.Option(help="From the notice of a preemption to the node's end.")
    ] = _CLUSTER.notice_seconds,
    backoff_seconds: Annotated[float, typer.Option(help="Until the next pod is made.")] = _CLUSTER.backoff_seconds,
    release_seconds: Annotated[
        float, typer.Option(help="How long the autoscaler keeps an idle node.")
    ] = _CLUSTER.release_seconds,
    price_spot_core_hour: Annotated[
        float, typer.Option(help="Dollars; N2D in us-central1, list price of 30 July 2026.")
    ] = _PRICES.spot_core_hour,
    price_spot_gb_hour: Annotated[float, typer.Option(help="Dollars; as above.")] = _PRICES.spot_gb_hour,
    price_core_hour: Annotated[float, typer.Option(help="Dollars, on demand; as above.")] = _PRICES.core_hour,
    price_gb_hour: Annotated[float, typer.Option(help="Dollars, on demand; as above.")] = _PRICES.gb_hour,
    price_disk_gb_month: Annotated[
        float, typer.Option(help="Dollars for the boot disk; pd-balanced, as above.")
    ] = _PRICES.disk_gb_month,
    disk_gb: Annotated[float, typer.Option(help="Boot disk of a node in GB.")] = _PRICES.disk_gb,
    replications: Annotated[int, typer.Option(help="Simulated runs behind each figure.")] = 100,
    seed: Annotated[int, typer.Option(help="Every random choice follows from it.")] = 0,
    save: Annotated[str | None, typer.Option(help="Write the solving times to this file and stop.")] = None,
    machine: Annotated[str, typer.Option(help="With --save: what they were measured on, in words.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Estimate what labelling many millions of functions takes on a cluster of spot nodes.

    Solving times are those that `integrate` measured, resampled; the run is simulated with preemptions, restarts from
    the journal and nodes that wait at the end. Prices are list prices: look up yours and give them.

    Example: `intclass estimate runs/laptop/outcomes --functions 20e6,100e6 --nodes 64`
    """
    from intclass.pipelines.estimate.estimating import ASSUMED_BUSY_SHARE, Estimator, estimate
    from intclass.pipelines.estimate.report import to_json, to_markdown
    from intclass.pipelines.estimate.solve_times import save_solve_times

    times = _solve_times(outcomes or [str(MEASURED)], machine)
    if save:
        save_solve_times(times, save)
        typer.echo(f"solving times of {times.functions} functions: {save}")
        return
    times = times.select(
        generators=_names(generators), grammars=_names(grammars), internal_nodes=_sizes(internal_nodes)
    )
    estimator = Estimator(
        times=times,
        cluster=Cluster(
            nodes=nodes,
            node_cores=node_cores,
            node_memory_gb=node_memory_gb,
            workers=workers,
            speed=speed,
            node_start_seconds=node_start_seconds,
            pod_start_seconds=pod_start_seconds,
            read_seconds=read_seconds,
            table_rows=table_rows,
            preemptions_per_hour=preemptions_per_hour,
            notice_seconds=notice_seconds,
            backoff_seconds=backoff_seconds,
            release_seconds=release_seconds,
        ),
        prices=Prices(
            spot_core_hour=price_spot_core_hour,
            spot_gb_hour=price_spot_gb_hour,
            core_hour=price_core_hour,
            gb_hour=price_gb_hour,
            disk_gb_month=price_disk_gb_month,
            disk_gb=disk_gb,
        ),
        busy_share=busy_share or times.measurement.busy_share or ASSUMED_BUSY_SHARE,
        replications=replications,
        seed=seed,
    )
    made = estimate(estimator, _counts(functions), shard_size=shard_size)
    typer.echo(json.dumps(to_json(made, estimator), indent=2) if as_json else to_markdown(made, estimator))


def _solve_times(paths: list[str], machine: str) -> SolveTimes:
    from intclass.pipelines.estimate.solve_times import fit_solve_times, load_solve_times

    if len(paths) == 1 and paths[0].endswith(".json"):
        return load_solve_times(paths[0])
    return fit_solve_times(paths, machine=machine)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _sizes(text: str) -> range:
    first, _, last = text.partition("-")
    try:
        return range(int(first), int(last or first) + 1) if text else range(0)
    except ValueError:
        raise ConfigError(f"--internal-nodes {text}: give a number such as 10, or a range such as 3-12") from None


def _counts(text: str) -> list[int]:
    try:
        return [int(float(number)) for number in _names(text)]
    except (ValueError, OverflowError):
        raise ConfigError(f"--functions {text}: give numbers, separated by commas, such as 20e6,100e6") from None


if __name__ == "__main__":
    run(main)
