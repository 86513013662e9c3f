"""The estimate as a page of Markdown, which reads well in a terminal too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from intclass.pipelines.estimate.cluster import Cluster, Prices
from intclass.pipelines.estimate.estimating import BASELINE_PER_CORE_SECOND, Estimate, Estimator, Forecast, Interval
from intclass.pipelines.estimate.solve_times import SolveTimes


def to_markdown(estimate: Estimate, estimator: Estimator) -> str:
    """The whole report; every figure in brackets is an interval that holds 90 % of the simulated runs."""
    most = estimate.by_shard_size[0].functions
    return "\n\n".join(
        [
            _measured(estimator.times, estimator.busy_share),
            _machines(estimator.cluster, estimator.prices),
            f"**What it takes** (median of {estimator.replications} simulated runs, 5 % to 95 % quantile in brackets)",
            _table(_HEADS, [*map(_spot_row, estimate.spot), *map(_on_demand_row, estimate.on_demand)]),
            _comparison(estimate),
            f"**{_count(most)} functions on spot nodes, by shard size**",
            _table(
                ["functions a shard", *_SHORT_HEADS],
                [[_count(f.shard_size), *_short(f)] for f in estimate.by_shard_size],
            ),
            f"**{_count(most)} functions, by preemptions of a node per hour**",
            _table(
                ["preemptions per hour", *_SHORT_HEADS],
                [[f"{f.preemptions_per_hour:g}", *_short(f)] for f in estimate.by_preemptions],
            ),
            f"**{_count(most)} functions, by nodes**",
            _table(["nodes", *_SHORT_HEADS], [[str(f.nodes), *_short(f)] for f in estimate.by_nodes]),
        ]
    )


def to_json(estimate: Estimate, estimator: Estimator) -> dict[str, Any]:
    """All of it as plain values, with what it was made from."""
    return {
        "measurement": asdict(estimator.times.measurement),
        "measured_functions": estimator.times.functions,
        "mean_seconds": estimator.times.mean_seconds,
        "busy_share": estimator.busy_share,
        "cluster": asdict(estimator.cluster),
        "prices": asdict(estimator.prices),
        "replications": estimator.replications,
        "seed": estimator.seed,
        **asdict(estimate),
    }


def _measured(times: SolveTimes, busy_share: float) -> str:
    measurement = times.measurement
    shares = [f"{name} {share:.0%}" for name, share in measurement.engine_shares.items()]
    rest = 1 - sum(measurement.engine_shares.values())
    options = ", ".join(f"{key} {_option(value)}" for key, value in measurement.options.items())
    busy = "measured" if busy_share == measurement.busy_share else "given or assumed, not measured"
    return (
        f"**Solving times**: {_count(times.functions)} functions, {times.mean_seconds * 1000:.1f} ms each on one "
        f"worker ({', '.join([*shares, f'reading and checking {rest:.0%}'])}); workers busy {busy_share:.1%} of the "
        f"time ({busy}). {measurement.program}, {', '.join(measurement.engines) or 'no engine'}; {options}. "
        f"{measurement.machine or 'Machine not named'}, {measurement.date}."
    )


def _machines(cluster: Cluster, prices: Prices) -> str:
    return (
        f"**Machines**: {cluster.nodes} nodes of {cluster.node_cores} cores and {cluster.node_memory_gb:g} GB, "
        f"{cluster.workers} workers each, every core {cluster.speed:g} times as fast as the one measured on; "
        f"{cluster.preemptions_per_hour:g} preemptions of a node per hour. A node-hour costs "
        f"${prices.node_hour(cluster, spot=True):.4f} on spot, ${prices.node_hour(cluster, spot=False):.4f} on demand "
        "(list prices; see --help for their source). Not in it: the cluster's fee, storage, network, taxes, waiting "
        "for spot capacity, and generating the functions."
    )


_FIGURES: Final = ["wall hours", "core-hours", "US dollars", "preemptions", "core-seconds lost", "idle at end"]
_SHORT_HEADS: Final = ["shards", *_FIGURES]
_HEADS: Final = ["functions", "nodes", *_FIGURES, "shards"]


def _spot_row(forecast: Forecast) -> list[str]:
    return _row(forecast, "spot")


def _on_demand_row(forecast: Forecast) -> list[str]:
    return _row(forecast, "on demand")


def _row(forecast: Forecast, nodes: str) -> list[str]:
    shards, *figures = _short(forecast)
    return [_count(forecast.functions), nodes, *figures, f"{shards} of {_count(forecast.shard_size)}"]


def _short(forecast: Forecast) -> list[str]:
    return [
        f"{forecast.shards}",
        _span(forecast.wall_hours, _number),
        _span(forecast.core_hours, _number),
        _span(forecast.dollars, _number),
        f"{forecast.preemptions.median:.0f}",
        _number(forecast.lost_core_seconds.median),
        f"{forecast.idle_share.median:.1%}",
    ]


def _comparison(estimate: Estimate) -> str:
    rows = [
        [_count(one.functions), f"{one.core_hours:,.0f}", f"{one.dollars:,.0f}", f"{one.times_the_core_hours:.1f}"]
        for one in estimate.baselines
    ]
    return (
        "**The first published method** (a process and up to 5 s of SymPy for each function; "
        f"{BASELINE_PER_CORE_SECOND} functions of 10 operators per second and core), at the same prices, with no "
        "overhead at all\n\n" + _table(["functions", "core-hours", "US dollars", "times our core-hours"], rows)
    )


def _option(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value).lower()


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _span(interval: Interval, form: Callable[[float], str]) -> str:
    return f"{form(interval.median)} ({form(interval.low)}-{form(interval.high)})"


def _number(value: float) -> str:
    """Three digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _count(number: int) -> str:
    if number >= 1_000_000 and number % 100_000 == 0:
        return f"{number / 1_000_000:g} million"
    return f"{number:,}"
