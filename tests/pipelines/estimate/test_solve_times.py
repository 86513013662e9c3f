from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from intclass.components.shared.errors import ConfigError, RecordsError, StorageError
from intclass.pipelines.estimate.__main__ import MEASURED
from intclass.pipelines.estimate.solve_times import SolveTimes, fit_solve_times, load_solve_times, save_solve_times

from .conftest import Outcomes, outcome, times_of

HEAVY = times_of((600, 0.01), (300, 0.03), (80, 0.5), (20, 2.0))  # mean 0.095 s, with a tail


def measured_seconds(count: int = 500) -> list[float]:
    return [float(seconds) for seconds in np.random.default_rng(1).lognormal(-4, 1.5, count)]


class TestFitting:
    def test_totals_are_exact_and_the_spread_is_kept(self, outcomes: Outcomes) -> None:
        seconds = measured_seconds()
        times = fit_solve_times([outcomes([outcome(i, s) for i, s in enumerate(seconds)])])
        assert times.functions == len(seconds)
        assert times.mean_seconds == pytest.approx(np.mean(seconds), rel=1e-5)
        assert times.distribution().variance == pytest.approx(np.var(seconds), rel=0.01)

    def test_origins_are_kept_apart(self, outcomes: Outcomes) -> None:
        rows = [outcome(i, 0.1, internal_nodes=3 + i % 2, generator="forward") for i in range(6)]
        rows += [outcome(6 + i, 0.2, generator="backward") for i in range(4)]
        times = fit_solve_times([outcomes(rows)])
        assert [(one.generator, one.internal_nodes, one.functions) for one in times.strata] == [
            ("backward", 10, 4),
            ("forward", 3, 3),
            ("forward", 4, 3),
        ]
        assert times.select(generators=["backward"]).mean_seconds == pytest.approx(0.2)
        assert times.select(internal_nodes=range(4, 9)).functions == 3

    def test_an_origin_that_was_not_measured_is_refused_by_name(self) -> None:
        with pytest.raises(ConfigError, match="there are forward of intclass"):
            HEAVY.select(grammars=["lample-charton"])

    def test_the_measurement_is_told(self, outcomes: Outcomes) -> None:
        told = fit_solve_times([outcomes([outcome(0, 0.5)])], machine="a laptop").measurement
        assert (told.machine, told.engines, told.engine_shares) == ("a laptop", ("fricas 1.3.8",), {"fricas": 0.75})
        assert told.options == {"engines": ["fricas"], "limit_seconds": 1.0}

    def test_the_busy_share_is_pooled_and_an_interrupted_run_does_not_count(self, outcomes: Outcomes) -> None:
        def stats(worked: float) -> dict[str, Any]:
            return {"stats": {"seconds": 10.0, "workers": 2, "worker seconds": worked}}

        half = outcomes([outcome(0, 1)], "half", **stats(10))
        full = outcomes([outcome(0, 1)], "full", **stats(20))
        interrupted = outcomes([outcome(0, 1)], "interrupted", **stats(300))
        assert fit_solve_times([half]).measurement.busy_share == 0.5
        assert fit_solve_times([half, full, interrupted]).measurement.busy_share == 0.75
        assert fit_solve_times([interrupted]).measurement.busy_share is None

    def test_tables_of_other_options_are_refused(self, outcomes: Outcomes) -> None:
        first = outcomes([outcome(0, 1)], "first")
        other = outcomes([outcome(0, 1)], "other", config={"engines": ["sympy"], "limit_seconds": 1.0})
        with pytest.raises(ConfigError, match="other options"):
            fit_solve_times([first, other])

    def test_another_shard_of_the_same_run_is_welcome(self, outcomes: Outcomes) -> None:
        config = {"engines": ["fricas"], "limit_seconds": 1.0, "num_shards": 2}
        folders = [outcomes([outcome(i, 1)], f"{i}", config={**config, "shard": i}) for i in range(2)]
        assert fit_solve_times(folders).functions == 2

    def test_what_is_no_outcome_is_refused(self, outcomes: Outcomes, tmp_path: Path) -> None:
        with pytest.raises(StorageError):
            fit_solve_times([tmp_path / "nothing"])
        with pytest.raises(RecordsError, match="made by dataset"):
            fit_solve_times([outcomes([outcome(0, 1)], stage="dataset")])
        with pytest.raises(RecordsError, match="no functions"):
            fit_solve_times([outcomes([], "empty")])


class TestSaving:
    def test_round_trip(self, tmp_path: Path) -> None:
        save_solve_times(HEAVY, tmp_path / "times.json")
        assert load_solve_times(tmp_path / "times.json") == HEAVY

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"measurement": {}, "strata": []}'])
    def test_what_is_not_saved_times_is_refused(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "times.json"
        path.write_text(text)
        with pytest.raises(RecordsError, match="not saved solving times"):
            load_solve_times(path)

    def test_the_times_that_come_along_say_where_they_are_from(self) -> None:
        times = load_solve_times(MEASURED)
        assert times.functions >= 1000
        assert times.measurement.machine
        assert times.measurement.engines
        assert times.measurement.options["engines"] == ["fricas"]


class TestDistribution:
    def test_totals_are_those_of_exact_resampling(self) -> None:
        """The gamma approximation of a unit's total against totals of that many single draws, by their quantiles."""
        rng = np.random.default_rng(0)
        exact = HEAVY.distribution()
        functions = 1000
        singles = rng.choice(exact.seconds, (2000, functions), p=exact.shares).sum(axis=1)
        totals = exact.draw_totals(rng, np.full(2000, functions))
        at = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
        np.testing.assert_allclose(np.quantile(totals, at), np.quantile(singles, at), rtol=0.025)
        assert totals.std() == pytest.approx(singles.std(), rel=0.06)

    def test_constant_times_add_up_exactly(self) -> None:
        totals = times_of((5, 0.25)).distribution().draw_totals(np.random.default_rng(0), np.array([1, 8, 1000]))
        assert totals.tolist() == [0.25, 2.0, 250.0]

    def test_ages_follow_renewal_theory(self) -> None:
        one = HEAVY.distribution()
        ages = one.draw_ages(np.random.default_rng(0), (200_000,))
        assert ages.mean() == pytest.approx((one.variance + one.mean**2) / (2 * one.mean), rel=0.02)
        assert ages.max() < one.seconds.max()

    def test_the_bootstrap_moves_the_mean_by_its_standard_error(self) -> None:
        rng = np.random.default_rng(0)
        means = [HEAVY.resample(rng).mean for _ in range(2000)]
        expected = (HEAVY.distribution().variance / HEAVY.functions) ** 0.5
        assert np.mean(means) == pytest.approx(HEAVY.mean_seconds, rel=0.01)
        assert np.std(means) == pytest.approx(expected, rel=0.06)

    def test_the_bootstrap_keeps_the_mix_of_origins(self) -> None:
        other = times_of((50, 1.0)).strata
        both = SolveTimes(strata=(*HEAVY.strata, *other), measurement=HEAVY.measurement)
        resampled = both.resample(np.random.default_rng(0))
        assert resampled.shares[-1] == pytest.approx(50 / 1050)
