from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from intclass.components.shared.errors import ConfigError
from intclass.pipelines.cli import app
from intclass.pipelines.estimate.cluster import Cluster, Prices
from intclass.pipelines.estimate.estimating import Estimate, Estimator, estimate, recommend
from intclass.pipelines.estimate.report import to_json, to_markdown
from intclass.pipelines.estimate.solve_times import load_solve_times

from .conftest import Outcomes, bare_cluster, outcome, times_of

CONSTANT = times_of((100, 0.5), busy_share=0.9)
MILLION = 1_000_000


def estimator(**changes: object) -> Estimator:
    made = Estimator(times=CONSTANT, cluster=Cluster(nodes=4), prices=Prices(), busy_share=1.0, replications=5)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made() -> Estimate:
    return estimate(estimator(), [MILLION, 3 * MILLION])


class TestForecast:
    def test_dollars_by_hand(self) -> None:
        """1000 functions of 0.5 s on one node with one worker: 500 s at 8 cores, 32 GB and a disk."""
        prices = Prices(
            spot_core_hour=0.01, spot_gb_hour=0.001, core_hour=0.1, gb_hour=0, disk_gb_month=7.3, disk_gb=10
        )
        bare = estimator(cluster=bare_cluster(nodes=1, workers=1), prices=prices)
        spot, standard = bare.forecast(1000, 1000), bare.forecast(1000, 1000, spot=False)
        assert spot.dollars.median == pytest.approx(500 / 3600 * (0.08 + 0.032 + 0.1))
        assert standard.dollars.median == pytest.approx(500 / 3600 * (0.8 + 0.1))
        assert spot.core_hours.median == pytest.approx(500 / 3600 * 8)

    def test_cost_is_linear_in_prices_and_in_functions(self) -> None:
        cheap = estimator(prices=Prices(disk_gb=0))
        dear = estimator(prices=Prices(disk_gb=0, spot_core_hour=3 * 0.00796, spot_gb_hour=3 * 0.001067))
        assert dear.forecast(MILLION, 10_000).dollars.median == pytest.approx(
            3 * cheap.forecast(MILLION, 10_000).dollars.median
        )
        bare = estimator(cluster=bare_cluster(nodes=4, workers=1))
        once, twice = (bare.forecast(count, 10_000).dollars.median for count in (MILLION, 2 * MILLION))
        assert twice == pytest.approx(2 * once)

    def test_the_baseline_is_the_published_rate(self) -> None:
        ours = estimator(cluster=bare_cluster(nodes=1, node_cores=1, workers=1)).forecast(1440, 1440)
        baseline = estimator(cluster=bare_cluster(nodes=1, node_cores=1, workers=1)).baseline(ours)
        assert baseline.core_hours == pytest.approx(1.0)  # 1440 functions at 0.40 a second
        assert baseline.times_the_core_hours == pytest.approx(2.5 / 0.5)

    @pytest.mark.parametrize("bad", [{"busy_share": 0.0}, {"busy_share": 1.1}, {"replications": 0}, {"seed": -1}])
    def test_what_makes_no_sense_is_refused(self, bad: dict[str, float]) -> None:
        with pytest.raises(ConfigError, match=next(iter(bad)).replace("_", "-")):
            estimator(**bad)


class TestEstimate:
    def test_the_recommended_shards_are_the_largest_of_the_best(self, made: Estimate) -> None:
        best = min(one.wall_hours.median for one in made.by_shard_size)
        chosen = recommend(made.by_shard_size)
        assert made.spot[1] == chosen
        assert chosen.wall_hours.median <= 1.01 * best
        assert all(
            one.wall_hours.median > 1.01 * best for one in made.by_shard_size if one.shard_size > chosen.shard_size
        )

    def test_a_given_shard_size_is_kept(self) -> None:
        forecast = estimate(estimator(replications=1), [MILLION], shard_size=30_000).spot[0]
        assert (forecast.shards, forecast.shard_size) == (34, 29_412)

    def test_on_demand_nothing_is_taken_away(self, made: Estimate) -> None:
        assert all(one.preemptions.high == 0 for one in made.on_demand)
        assert all(
            dear.dollars.median > cheap.dollars.median for dear, cheap in zip(made.on_demand, made.spot, strict=True)
        )

    def test_the_largest_number_is_looked_at_from_all_sides(self, made: Estimate) -> None:
        views = made.by_shard_size + made.by_preemptions + made.by_nodes
        assert {one.functions for one in views} == {3 * MILLION}
        assert [one.preemptions_per_hour for one in made.by_preemptions] == [0, 0.0068, 0.05, 0.2, 1]
        assert [one.nodes for one in made.by_nodes] == [4, 8, 16, 32, 64, 128]

    @pytest.mark.parametrize(
        ("functions", "size"), [([], 0), ([0], 0), ([10**10], 0), ([MILLION], -1), ([MILLION], 2 * MILLION)]
    )
    def test_bad_numbers_are_refused(self, functions: list[int], size: int) -> None:
        with pytest.raises(ConfigError, match=r"--functions|--shard-size"):
            estimate(estimator(), functions, shard_size=size)


class TestReport:
    def test_every_figure_of_the_forecast_is_in_the_table(self, made: Estimate) -> None:
        text = to_markdown(made, estimator())
        [row] = [line for line in text.splitlines() if line.startswith("| 1 million | spot |")]
        spot = made.spot[0]
        assert f"{spot.wall_hours.median:.3g} ({spot.wall_hours.low:.3g}-{spot.wall_hours.high:.3g})" in row
        assert f"{spot.shards} of" in row
        assert "given or assumed, not measured" in text  # 1.0 was given, 0.9 measured
        assert "a test, 2026-11-21" in text

    def test_json_holds_the_same(self, made: Estimate) -> None:
        told = json.loads(json.dumps(to_json(made, estimator())))
        assert told["spot"][0]["wall_hours"]["median"] == made.spot[0].wall_hours.median
        assert told["cluster"]["nodes"] == 4
        assert told["measurement"]["date"] == "2026-11-21"


class TestCommand:
    @pytest.mark.slow
    def test_the_page_in_the_docs_is_what_the_command_prints(self) -> None:
        assert self.run() in (Path(__file__).parents[3] / "docs" / "scale.md").read_text()

    def run(self, *arguments: str) -> str:
        done = CliRunner().invoke(app, ["estimate", *arguments], catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    def test_with_nothing_at_hand_it_takes_the_times_that_came_along(self) -> None:
        text = self.run("--functions", "1e6", "--replications", "2")
        assert "| 1 million | spot |" in text
        assert "2-core virtual machine" in text

    def test_the_same_seed_prints_the_same(self) -> None:
        options = ("--functions", "1e6", "--replications", "2", "--json", "--seed")
        assert self.run(*options, "3") == self.run(*options, "3") != self.run(*options, "4")

    def test_outcomes_are_fitted_saved_and_read_again(self, outcomes: Outcomes) -> None:
        folder = outcomes([outcome(i, 0.1 + i / 100) for i in range(50)])
        saved = f"{folder}/times.json"
        assert "50 functions" in self.run(folder, "--save", saved, "--machine", "a desk")
        assert load_solve_times(saved).measurement.machine == "a desk"
        told = json.loads(self.run(saved, "--functions", "1e5", "--replications", "1", "--json"))
        assert told["measured_functions"] == 50
        assert told["busy_share"] == 0.5

    @pytest.mark.parametrize(
        "arguments", [["--functions", "many"], ["--internal-nodes", "a-b"], ["--generators", "nobody"]]
    )
    def test_bad_options_are_one_line(self, arguments: list[str]) -> None:
        with pytest.raises(ConfigError):
            self.run(*arguments)
