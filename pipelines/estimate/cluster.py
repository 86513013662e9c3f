"""The machines that a run is planned on, and what they cost. Every default says where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from intclass.components.shared.errors import ConfigError

SECONDS_PER_HOUR: Final = 3600.0
HOURS_PER_MONTH: Final = 730.0  # as Google bills a month
MAX_PREEMPTIONS_PER_START: Final = 3.0  # beyond it hardly any node lives until its pod works
_POSITIVE: Final = ("nodes", "node_cores", "node_memory_gb", "workers", "speed", "table_rows")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Spot nodes of one kind, each with one pod of `integrate` at a time.

    Attributes:
        nodes: How many nodes there are at most, and so how many shards are worked on side by side.
        node_cores: Cores (vCPU) of a node; all are paid for.
        node_memory_gb: Memory of a node in GB.
        workers: Functions that a pod works on at a time. One core fewer than the node has by default: GKE keeps part of
            the first cores for itself, so a pod that asks for whole cores cannot have the last one.
        speed: How fast a node's core is, in units of the core that the solving times were measured on.
        node_start_seconds: From a pending pod to its container's start on a new node: machine, kubelet, image. Paid.
            An assumption, to be replaced by what your cluster's startup metrics say.
        pod_start_seconds: From the container's start to the first function, and from the last one to the next pod on
            the same node. An assumption; the program itself takes about 3 s of it.
        read_seconds: For one row of the table that a shard is cut from; every pod reads all of the table. Measured on
            30 000 rows: 45 microseconds of one core.
        table_rows: Rows of a table of functions. Each takes 4.3 kB of a pod's memory (measured), which is why many
            millions of functions are generated as many tables, with `--start-index`.
        preemptions_per_hour: How often a node is taken away. Google saw "5 % to 15 % per day per project" on average
            (Compute Engine documentation of preemptible machines, no promise); this is 15 % a day.
        notice_seconds: From the notice to the node's end (30 s, GKE documentation of Spot VMs). The pod stops at once
            and keeps what is finished; the node is paid for.
        backoff_seconds: Until the Job makes another pod (10 s, Kubernetes documentation of Jobs). Not paid.
        release_seconds: How long the autoscaler keeps a node that nothing runs on (10 min, its documented default).
    """

    nodes: int = 32
    node_cores: int = 8
    node_memory_gb: float = 32.0
    workers: int = 7
    speed: float = 1.0
    node_start_seconds: float = 180.0
    pod_start_seconds: float = 15.0
    read_seconds: float = 5e-5
    table_rows: int = 1_000_000
    preemptions_per_hour: float = 0.0068
    notice_seconds: float = 30.0
    backoff_seconds: float = 10.0
    release_seconds: float = 600.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, name = getattr(self, field.name), _option(field.name)
            if field.name in _POSITIVE and not value > 0:
                raise ConfigError(f"{name} {value:g} must be more than 0")
            if not 0 <= value < float("inf"):
                raise ConfigError(f"{name} {value:g} must be a number from 0 up")
        start = self.node_start_seconds + self.setup_seconds
        if self.preemption_rate * start > MAX_PREEMPTIONS_PER_START:
            raise ConfigError(
                f"--preemptions-per-hour {self.preemptions_per_hour:g} ends nodes before their pods have started, "
                f"which takes {start:g} s; give at most {MAX_PREEMPTIONS_PER_START * SECONDS_PER_HOUR / start:.3g}"
            )

    @property
    def setup_seconds(self) -> float:
        """Seconds at the begin of every pod in which no function is worked on."""
        return self.pod_start_seconds + self.read_seconds * self.table_rows

    @property
    def preemption_rate(self) -> float:
        """Preemptions of one node per second."""
        return self.preemptions_per_hour / SECONDS_PER_HOUR


@dataclass(frozen=True, kw_only=True)
class Prices:
    """US dollars, list prices without discounts, of N2D machines in us-central1 by default.

    The defaults are Google's catalogue of 30 July 2026 as github.com/Cyclenerd/google-cloud-pricing-cost-calculator
    holds it (pricing.yml at fd66b26): n2d-standard-8 at 0.337968 and 0.097824 (spot), n2d-highcpu-8 at 0.249504 and
    0.072216 an hour, whose difference is 24 GB; pd-balanced at 0.10 a GB and month. Spot prices change monthly.

    Attributes:
        spot_core_hour: One core (vCPU) of a spot node for an hour.
        spot_gb_hour: One GB of a spot node's memory for an hour.
        core_hour: One core of a standard node for an hour.
        gb_hour: One GB of a standard node's memory for an hour.
        disk_gb_month: One GB of a node's boot disk for a month of 730 hours.
        disk_gb: Size of a node's boot disk (100 GB, GKE's default).
    """

    spot_core_hour: float = 0.00796
    spot_gb_hour: float = 0.001067
    core_hour: float = 0.027502
    gb_hour: float = 0.003686
    disk_gb_month: float = 0.10
    disk_gb: float = 100.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value < float("inf"):
                raise ConfigError(f"{_option('price_' + field.name)} {value:g} must be a number from 0 up")

    def node_hour(self, cluster: Cluster, *, spot: bool) -> float:
        """Dollars for one node for an hour, its boot disk included."""
        core, gb = (self.spot_core_hour, self.spot_gb_hour) if spot else (self.core_hour, self.gb_hour)
        disk = self.disk_gb * self.disk_gb_month / HOURS_PER_MONTH
        return cluster.node_cores * core + cluster.node_memory_gb * gb + disk


def _option(name: str) -> str:
    return "--" + {"price_disk_gb": "disk_gb"}.get(name, name).replace("_", "-")
