"""The estimate: the simulation at each number of functions, at the best shard size, and what it is sensitive to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from intclass.components.shared.errors import ConfigError
from intclass.pipelines.estimate.cluster import SECONDS_PER_HOUR, Cluster, Prices
from intclass.pipelines.estimate.simulation import Runs, simulate
from intclass.pipelines.estimate.solve_times import Floats, SolveTimes

SHARD_SIZES: Final = (5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
PREEMPTIONS_PER_HOUR: Final = (0.0, 0.05, 0.2, 1.0)  # beside the cluster's own; 1 an hour is a bad day
NODES: Final = (8, 16, 32, 64, 128)
# Where the measurement was interrupted and does not know its own: that of 1000 functions of 3-15 operators with FriCAS
# and a limit of 0.25 s on two workers, its start and end included; longer runs have less of both.
ASSUMED_BUSY_SHARE: Final = 0.886
MAX_FUNCTIONS: Final = 10**9  # beyond it the simulation takes minutes and gigabytes
AS_GOOD: Final = 1.01  # of the best wall time: fewer and larger shards are simpler to look after
# `sympy.integrate` with 5 s for each function in a process of its own, measured on one core of a two-core virtual
# machine with functions of 10 operators: the method of the first published labels of this kind.
BASELINE_PER_CORE_SECOND: Final = 0.40


@dataclass(frozen=True)
class Interval:
    """The median, and the 5 % and 95 % quantiles over replications."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What one run takes.

    Attributes:
        functions: To label.
        shards: How many; `shard_size` is how many functions the largest has.
        preemptions_per_hour: Of one node.
        nodes: At most.
        wall_hours: From the first pending pod to the end.
        core_hours: Paid: cores of all nodes from their start to their release.
        dollars: On spot nodes.
        preemptions: Nodes taken away.
        work_share: Part of the paid time spent on functions that counted.
        lost_core_seconds: Spent on functions that were in flight at a preemption, and are done again.
        idle_share: Part of the slots' time spent waiting for the last shards.
    """

    functions: int
    shards: int
    shard_size: int
    preemptions_per_hour: float
    nodes: int
    wall_hours: Interval
    core_hours: Interval
    dollars: Interval
    preemptions: Interval
    work_share: Interval
    lost_core_seconds: Interval
    idle_share: Interval


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The first published method, at the same prices and without any preemption or overhead."""

    functions: int
    core_hours: float
    dollars: float
    times_the_core_hours: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """All that the report tells.

    Attributes:
        spot: One forecast for each number of functions.
        on_demand: The same on standard nodes, which nobody takes away.
        baselines: The first published method.
        by_shard_size, by_preemptions, by_nodes: The largest number of functions, with one thing changed.
    """

    spot: tuple[Forecast, ...]
    on_demand: tuple[Forecast, ...]
    baselines: tuple[Baseline, ...]
    by_shard_size: tuple[Forecast, ...]
    by_preemptions: tuple[Forecast, ...]
    by_nodes: tuple[Forecast, ...]


@dataclass(frozen=True, kw_only=True)
class Estimator:
    """Measured times, machines and prices; asks the simulation.

    Attributes:
        busy_share: Part of a worker's time that goes to functions.
        replications: Simulated runs behind each figure.
        seed: Every random choice follows from it.
    """

    times: SolveTimes
    cluster: Cluster
    prices: Prices
    busy_share: float
    replications: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.busy_share <= 1:
            raise ConfigError(f"--busy-share {self.busy_share:g} must be more than 0 and at most 1")
        if self.replications < 1:
            raise ConfigError(f"--replications {self.replications} must be at least 1")
        if self.seed < 0:
            raise ConfigError(f"--seed {self.seed} must be at least 0")

    def forecast(self, functions: int, shard_size: int, *, spot: bool = True) -> Forecast:
        """What labelling so many functions takes in shards of at most this size."""
        cluster = self.cluster if spot else replace(self.cluster, preemptions_per_hour=0.0)
        runs = simulate(
            self.times,
            cluster,
            functions=functions,
            shard_size=shard_size,
            busy_share=self.busy_share,
            replications=self.replications,
            seed=self.seed,
        )
        shards = -(-functions // shard_size)
        return Forecast(
            functions=functions,
            shards=shards,
            shard_size=-(-functions // shards),
            preemptions_per_hour=cluster.preemptions_per_hour,
            nodes=cluster.nodes,
            **_intervals(runs, cluster, dollars_per_node_hour=self.prices.node_hour(cluster, spot=spot)),
        )

    def on(self, cluster: Cluster) -> Estimator:
        """The same on other machines."""
        return replace(self, cluster=cluster)

    def baseline(self, ours: Forecast) -> Baseline:
        """What the first published method would take for the same functions."""
        core_hours = ours.functions / BASELINE_PER_CORE_SECOND / SECONDS_PER_HOUR / self.cluster.speed
        per_core_hour = self.prices.node_hour(self.cluster, spot=True) / self.cluster.node_cores
        return Baseline(
            functions=ours.functions,
            core_hours=core_hours,
            dollars=core_hours * per_core_hour,
            times_the_core_hours=core_hours / ours.core_hours.median,
        )


def _intervals(runs: Runs, cluster: Cluster, *, dollars_per_node_hour: float) -> dict[str, Interval]:
    values = {
        "wall_hours": runs.wall_hours,
        "core_hours": runs.node_hours * cluster.node_cores,
        "dollars": runs.node_hours * dollars_per_node_hour,
        "preemptions": runs.preemptions,
        "work_share": runs.work_hours / runs.node_hours,
        "lost_core_seconds": runs.lost_hours * SECONDS_PER_HOUR * cluster.workers,
        "idle_share": runs.idle_share,
    }
    return {name: _interval(value) for name, value in values.items()}


def _interval(values: Floats) -> Interval:
    low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
    return Interval(median=float(median), low=float(low), high=float(high))


def estimate(estimator: Estimator, functions: Sequence[int], *, shard_size: int = 0) -> Estimate:
    """What labelling each of these numbers of functions takes.

    Args:
        estimator: Times, machines, prices.
        functions: How many to label, each at least 1.
        shard_size: Functions in a shard; 0 takes for each number of functions the recommended size.

    Raises ConfigError for numbers that make no sense.
    """
    cluster = estimator.cluster
    if not functions or min(functions) < 1 or max(functions) > MAX_FUNCTIONS:
        raise ConfigError(f"--functions: give numbers from 1 to {MAX_FUNCTIONS:.0e}, such as 20e6,100e6")
    if not 0 <= shard_size <= cluster.table_rows:
        raise ConfigError(f"--shard-size {shard_size} must be from 1 to --table-rows {cluster.table_rows}, or 0")
    sizes = sorted({min(size, cluster.table_rows) for size in (*SHARD_SIZES, shard_size) if size})
    scans = {count: tuple(estimator.forecast(count, size) for size in sizes) for count in functions}
    chosen = {count: shard_size or recommend(scan).shard_size for count, scan in scans.items()}
    spot = tuple(estimator.forecast(count, size) for count, size in chosen.items())
    most = max(functions)
    rates = sorted({cluster.preemptions_per_hour, *PREEMPTIONS_PER_HOUR})
    nodes = sorted({cluster.nodes, *NODES})
    return Estimate(
        spot=spot,
        on_demand=tuple(estimator.forecast(count, size, spot=False) for count, size in chosen.items()),
        baselines=tuple(map(estimator.baseline, spot)),
        by_shard_size=scans[most],
        by_preemptions=tuple(
            estimator.on(replace(cluster, preemptions_per_hour=rate)).forecast(most, chosen[most]) for rate in rates
        ),
        by_nodes=tuple(estimator.on(replace(cluster, nodes=number)).forecast(most, chosen[most]) for number in nodes),
    )


def recommend(scan: Sequence[Forecast]) -> Forecast:
    """The one with the largest shards among those that are, within a hundredth, done first."""
    first = min(one.wall_hours.median for one in scan)
    return max(
        (one for one in scan if one.wall_hours.median <= first * AS_GOOD), key=lambda one: (one.shard_size, -one.shards)
    )
