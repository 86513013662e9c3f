from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intclass.components.shared.errors import ConfigError
from intclass.pipelines.estimate.cluster import Cluster, Prices
from intclass.pipelines.estimate.simulation import draw_passage, draw_work, schedule, shard_sizes, simulate
from intclass.pipelines.estimate.solve_times import SolveTimes

from .conftest import bare_cluster, times_of

CONSTANT = times_of((100, 0.5))
HEAVY = times_of((600, 0.01), (300, 0.03), (80, 0.5), (20, 2.0))
HOUR = 3600.0


class TestByHand:
    def test_constant_times_on_one_worker_a_node(self) -> None:
        """100 functions of 0.5 s in shards of 10 on 4 nodes: 3 rounds of 5 s, of which two nodes have only 2."""
        runs = simulate(CONSTANT, bare_cluster(nodes=4, workers=1), functions=100, shard_size=10, replications=3)
        np.testing.assert_allclose(runs.wall_hours * HOUR, 15)
        np.testing.assert_allclose(runs.node_hours * HOUR, 50)
        np.testing.assert_allclose(runs.work_hours * HOUR, 50)
        np.testing.assert_allclose(runs.idle_share, 1 - 50 / 60)
        assert not runs.preemptions.any()
        assert not runs.lost_hours.any()

    def test_every_overhead_is_paid_where_it_belongs(self) -> None:
        cluster = bare_cluster(
            nodes=2, workers=1, node_start_seconds=100, pod_start_seconds=7, read_seconds=0.01, table_rows=300
        )
        runs = simulate(CONSTANT, cluster, functions=40, shard_size=10, replications=1)
        assert cluster.setup_seconds == 10
        np.testing.assert_allclose(runs.wall_hours * HOUR, 100 + 2 * (10 + 5))

    def test_idle_nodes_are_paid_until_they_are_released(self) -> None:
        cluster = bare_cluster(nodes=2, workers=1, release_seconds=600)
        runs = simulate(CONSTANT, cluster, functions=40, shard_size=10, replications=1)
        np.testing.assert_allclose(runs.wall_hours * HOUR, 10)
        np.testing.assert_allclose(runs.node_hours * HOUR, 2 * (10 + 600))

    def test_busy_share_and_speed_scale_the_work(self) -> None:
        cluster = bare_cluster(nodes=1, workers=1, speed=2.0)
        runs = simulate(CONSTANT, cluster, functions=10, shard_size=10, busy_share=0.5, replications=1)
        np.testing.assert_allclose(runs.wall_hours * HOUR, 5 / 0.5 / 2)

    def test_nodes_that_get_no_shard_are_not_started(self) -> None:
        runs = simulate(CONSTANT, bare_cluster(nodes=50, workers=1), functions=20, shard_size=10, replications=1)
        np.testing.assert_allclose(runs.node_hours * HOUR, 10)


class TestExactReplay:
    def test_a_pod_s_work_is_that_of_its_workers_taking_one_function_after_another(self) -> None:
        """Against list scheduling of single functions on the workers, as the pool does it."""
        rng = np.random.default_rng(0)
        distribution, workers, functions = HEAVY.distribution(), 7, 1000
        exact = []
        for _ in range(300):
            free = [0.0] * workers
            for seconds in rng.choice(distribution.seconds, functions, p=distribution.shares):
                heapq.heapreplace(free, free[0] + seconds)
            exact.append(max(free))
        cluster = bare_cluster(workers=workers)
        drawn = draw_work(rng, distribution, np.full(3000, functions), cluster)
        np.testing.assert_allclose(np.quantile(drawn, [0.1, 0.5, 0.9]), np.quantile(exact, [0.1, 0.5, 0.9]), rtol=0.03)

    def test_slots_take_shards_as_a_queue_does(self) -> None:
        seconds = np.random.default_rng(0).gamma(2, 10, (5, 60))
        for row, ends in zip(seconds, schedule(seconds, 7), strict=True):
            free = [0.0] * 7
            for one in row:
                heapq.heapreplace(free, free[0] + one)
            np.testing.assert_allclose(np.sort(ends), np.sort(free))

    def test_preempted_shards_take_what_a_step_by_step_replay_takes(self) -> None:
        """The mean of the restart process in closed form: with setup s, work w and rate r, nothing in flight lost."""
        cluster = bare_cluster(workers=1, preemptions_per_hour=2.0, backoff_seconds=20, notice_seconds=10)
        tiny = times_of((1, 1e-9)).distribution()
        passage = draw_passage(np.random.default_rng(0), tiny, np.full(40_000, 1800.0), cluster)
        # Without setup the shard's work is one interval: as many preemptions as a Poisson process has in half an hour.
        assert passage.preemptions.mean() == pytest.approx(1.0, rel=0.02)
        assert passage.preemptions.var() == pytest.approx(1.0, rel=0.04)
        np.testing.assert_allclose(passage.seconds, 1800 + 30 * passage.preemptions, rtol=1e-9)
        np.testing.assert_allclose(passage.unpaid, 20 * passage.preemptions)

    def test_setup_is_paid_again_after_every_preemption(self) -> None:
        """Expected seconds of a restart process with lost setup: (exp(r s) - 1) / r before the first second of work."""
        setup, rate = 900.0, 2.0 / HOUR
        cluster = bare_cluster(workers=1, preemptions_per_hour=2.0, pod_start_seconds=setup)
        tiny = times_of((1, 1e-9)).distribution()
        passage = draw_passage(np.random.default_rng(0), tiny, np.full(100_000, 1e-3), cluster)
        assert passage.seconds.mean() == pytest.approx((np.exp(rate * setup) - 1) / rate, rel=0.02)


class TestConservation:
    @given(functions=st.integers(1, 10**8), shard_size=st.integers(1_000, 10**6))
    @settings(deadline=None, max_examples=200)
    def test_every_function_is_in_one_shard(self, functions: int, shard_size: int) -> None:
        sizes = shard_sizes(functions, shard_size)
        assert sizes.sum() == functions
        assert sizes.max() <= shard_size
        assert sizes.max() - sizes.min() <= 1

    @given(rate=st.floats(0, 20), work=st.floats(1, 5000), setup=st.floats(0, 200))
    @settings(deadline=None, max_examples=60)
    def test_time_is_work_and_named_losses(self, rate: float, work: float, setup: float) -> None:
        cluster = bare_cluster(workers=3, preemptions_per_hour=rate, pod_start_seconds=setup, backoff_seconds=5)
        passage = draw_passage(np.random.default_rng(0), HEAVY.distribution(), np.full(20, work), cluster)
        assert (passage.seconds >= work + setup + passage.lost + passage.unpaid - 1e-6).all()
        assert (passage.lost <= 2.0 * passage.preemptions).all()  # never more than the longest function
        restarts = work + passage.lost + passage.unpaid + setup * (1 + passage.preemptions)
        assert (passage.seconds <= restarts + 1e-6).all()


class TestRuns:
    def runs(self, times: SolveTimes = HEAVY, **options: float) -> float:
        cluster = Cluster(nodes=8, **options)  # type: ignore[arg-type]
        return float(
            np.median(simulate(times, cluster, functions=10**6, shard_size=10_000, replications=40).wall_hours)
        )

    def test_more_preemptions_never_help(self) -> None:
        wall = [self.runs(preemptions_per_hour=rate) for rate in (0.0, 0.1, 1.0, 5.0)]
        assert wall == sorted(wall)
        assert wall[0] < wall[-1]

    def test_more_nodes_are_done_sooner(self) -> None:
        wall = [
            simulate(HEAVY, Cluster(nodes=nodes), functions=10**6, shard_size=10_000, replications=5).wall_hours.mean()
            for nodes in (4, 8, 16)
        ]
        assert wall == sorted(wall, reverse=True)

    def test_the_seed_decides(self) -> None:
        def wall(seed: int) -> list[float]:
            runs = simulate(HEAVY, Cluster(), functions=10**6, shard_size=10_000, replications=4, seed=seed)
            return [float(hours) for hours in runs.wall_hours]

        assert wall(1) == wall(1) != wall(2)


class TestCluster:
    @pytest.mark.parametrize(
        ("option", "value", "said"),
        [
            ("nodes", 0, "--nodes 0 must be more than 0"),
            ("speed", -1.0, "--speed -1"),
            ("notice_seconds", -1.0, "--notice-seconds -1 must be a number from 0 up"),
            ("preemptions_per_hour", float("nan"), "--preemptions-per-hour nan"),
            ("preemptions_per_hour", 1000.0, "before their pods have started"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, option: str, value: float, said: str) -> None:
        with pytest.raises(ConfigError, match=said):
            Cluster(**{option: value})  # type: ignore[arg-type]

    def test_a_price_is_refused_under_its_option_s_name(self) -> None:
        with pytest.raises(ConfigError, match="--price-spot-core-hour -1"):
            Prices(spot_core_hour=-1)
        with pytest.raises(ConfigError, match="--disk-gb -1"):
            Prices(disk_gb=-1)

    def test_the_default_prices_are_those_of_the_machine_types_they_come_from(self) -> None:
        bare = Prices(disk_gb=0)
        standard, highcpu = Cluster(node_memory_gb=32), Cluster(node_memory_gb=8)
        assert bare.node_hour(standard, spot=False) == pytest.approx(0.337968, rel=1e-4)
        assert bare.node_hour(highcpu, spot=False) == pytest.approx(0.249504, rel=1e-4)
        assert bare.node_hour(standard, spot=True) == pytest.approx(0.097824, rel=1e-4)
        assert bare.node_hour(highcpu, spot=True) == pytest.approx(0.072216, rel=1e-4)
