"""A run on spot nodes, replayed: shards on slots, preemptions, restarts from the journal, the end where nodes wait.

An Indexed Job keeps as many pods going as there are nodes. A slot is one of them: it takes the next shard as soon as
its last one is finished; when its node is preempted, the same shard goes on in it after backoff and a new node's start,
without the functions that were in flight. Preemptions are a Poisson process in the time a node is up, which has no
memory, so what a shard goes through does not depend on its slot: all shards of a replication are drawn at once, and
only their order on the slots is played step by step, for all replications together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from intclass.pipelines.estimate.cluster import SECONDS_PER_HOUR, Cluster
from intclass.pipelines.estimate.solve_times import Distribution, Floats, SolveTimes

DRAINS: Final = 4096  # simulated ends of pods, from which each shard takes one

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Passage:
    """What shards go through, per shard (shards,).

    Attributes:
        seconds: From the pod's start to the shard's end, waits included.
        unpaid: Seconds of those in which there is no node.
        lost: Seconds of those whose work was in flight when the node was taken away, and is done again.
        preemptions: How often that was.
    """

    seconds: Floats
    unpaid: Floats
    lost: Floats
    preemptions: Integers


@dataclass(frozen=True, eq=False)
class Runs:
    """Simulated runs, per replication (replications,).

    Attributes:
        wall_hours: From the first pending pod to the last shard's end.
        node_hours: What is paid: every node from its start until it is released.
        work_hours: Node hours spent on functions that counted.
        lost_hours: Node hours spent on functions that were in flight at a preemption.
        preemptions: Nodes taken away.
        idle_share: Part of the slots' time, up to the end of the run, in which there was no shard left for them.
    """

    wall_hours: Floats
    node_hours: Floats
    work_hours: Floats
    lost_hours: Floats
    preemptions: Floats
    idle_share: Floats


def simulate(
    times: SolveTimes,
    cluster: Cluster,
    *,
    functions: int,
    shard_size: int,
    busy_share: float = 1.0,
    replications: int = 100,
    seed: int = 0,
) -> Runs:
    """Label so many functions, so many times. The same arguments give the same runs.

    Args:
        times: Measured solving times; each replication resamples them.
        cluster: What it runs on.
        functions: How many to label.
        shard_size: Functions in a shard, at most.
        busy_share: Part of a worker's time that goes to functions.
        replications: How many runs.
        seed: Every random choice follows from it.
    """
    sizes = shard_sizes(functions, shard_size)
    works, passages = [], []
    for source in np.random.SeedSequence(seed).spawn(replications):
        rng = np.random.default_rng(source)
        distribution = times.resample(rng)
        work = draw_work(rng, distribution, sizes, cluster, busy_share=busy_share)
        works.append(work.sum())
        passages.append(draw_passage(rng, distribution, work, cluster))
    ends = cluster.node_start_seconds + schedule(np.stack([one.seconds for one in passages]), cluster.nodes)
    slots = ends.shape[1]
    wall = ends.max(axis=1)
    paid = ends.sum(axis=1) - np.array([one.unpaid.sum() for one in passages]) + slots * cluster.release_seconds
    return Runs(
        wall_hours=wall / SECONDS_PER_HOUR,
        node_hours=paid / SECONDS_PER_HOUR,
        work_hours=np.array(works) / SECONDS_PER_HOUR,
        lost_hours=np.array([one.lost.sum() for one in passages]) / SECONDS_PER_HOUR,
        preemptions=np.array([float(one.preemptions.sum()) for one in passages]),
        idle_share=1 - ends.mean(axis=1) / wall,
    )


def shard_sizes(functions: int, shard_size: int) -> Integers:
    """Functions in each shard: as few shards as will do, as even as can be, as `integrate` cuts them."""
    shards = -(-functions // shard_size)
    return functions // shards + (np.arange(shards) < functions % shards)


def draw_work(
    rng: np.random.Generator, distribution: Distribution, sizes: Integers, cluster: Cluster, *, busy_share: float = 1.0
) -> Floats:
    """Seconds (shards,) that a pod works on its functions, if nothing interrupts it.

    At the end the workers drain: none has a function to go on with, and all wait for the one that takes longest.
    """
    even = distribution.draw_totals(rng, sizes) / cluster.workers
    residuals = distribution.draw_ages(rng, (DRAINS, cluster.workers))
    drains = residuals.max(axis=1) - residuals.mean(axis=1)
    return (even / busy_share + rng.choice(drains, len(sizes))) / cluster.speed


def draw_passage(rng: np.random.Generator, distribution: Distribution, work: Floats, cluster: Cluster) -> Passage:
    """What each shard with so many seconds of work (shards,) goes through."""
    seconds, unpaid, lost = np.zeros((3, len(work)))
    preemptions = np.zeros(len(work), dtype=np.int64)
    left, start = work.astype(float), cluster.setup_seconds
    going = np.arange(len(work))
    while going.size:
        node_seconds = _draw_lives(rng, len(going), cluster.preemption_rate)
        needed = start + left[going]
        ended = node_seconds >= needed
        seconds[going] += np.where(ended, needed, node_seconds + cluster.notice_seconds + cluster.backoff_seconds)
        going, done = going[~ended], node_seconds[~ended] - start
        in_flight = distribution.draw_ages(rng, (len(going), cluster.workers)).mean(axis=1) / cluster.speed
        done = np.maximum(done, 0)
        in_flight = np.minimum(in_flight, done)
        left[going] -= done - in_flight
        lost[going] += in_flight
        unpaid[going] += cluster.backoff_seconds
        preemptions[going] += 1
        start = cluster.node_start_seconds + cluster.setup_seconds
    return Passage(seconds, unpaid, lost, preemptions)


def _draw_lives(rng: np.random.Generator, nodes: int, rate: float) -> Floats:
    """Seconds until each node is preempted, from any moment on."""
    return rng.exponential(1 / rate, nodes) if rate else np.full(nodes, np.inf)


def schedule(seconds: Floats, slots: int) -> Floats:
    """When each slot is finished (replications, slots): shards (replications, shards) in order, to who is free first.

    Slots that would get no shard are not there.
    """
    replications, shards = seconds.shape
    ends = np.zeros((replications, min(slots, shards)))
    rows = np.arange(replications)
    for shard in range(shards):
        ends[rows, ends.argmin(axis=1)] += seconds[:, shard]
    return ends
