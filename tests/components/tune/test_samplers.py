from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from optuna.trial import TrialState

from intclass.components.finetune import FinetuneConfig
from intclass.components.shared.errors import ConfigError
from intclass.components.tune.config import Sampler, TuneConfig
from intclass.components.tune.reading import parse_space
from intclass.components.tune.samplers import grid_points, sobol_point
from intclass.components.tune.space import Point
from intclass.components.tune.study import Study

SPACE = parse_space(
    "learning_rate: {min: 1e-4, max: 1e-2, log: true}\n"
    "dropout: {min: 0.0, max: 0.3}\n"
    "optimizer: [adamw, sgd]\n"
    "weight_decay: {min: 0.0, max: 0.3, step: 0.1, when: {optimizer: adamw}}\n",
    source="test",
)
ONE_BY_ONE = [name for name in get_args(Sampler) if name not in ("pbt", "gp")]  # gp loads torch


def study(folder: Path, sampler: str, *, trials: int = 12, seed: int = 0) -> Study:
    config = TuneConfig(sampler=sampler, pruner="none", trials=trials, startup_trials=4, seed=seed)  # type: ignore[arg-type]
    return Study(folder, SPACE, FinetuneConfig(), config, dataset="examples")


def propose(folder: Path, sampler: str, *, reopened: bool = False, seed: int = 0, trials: int = 12) -> list[Point]:
    """All trials of a study, told a loss as they come; `reopened` as by a new driver for each."""
    opened = study(folder, sampler, seed=seed, trials=trials)
    points: list[Point] = []
    while True:
        if reopened:
            opened = study(folder, sampler, seed=seed)
        number = opened.propose()
        if number is None:
            return points
        point = opened.point(number)
        points.append(point)
        dropout = point["dropout"]
        assert isinstance(dropout, float)
        opened.tell(number, TrialState.COMPLETE, [(dropout - 0.1) ** 2])


@pytest.mark.parametrize("sampler", ONE_BY_ONE)
def test_a_restarted_driver_proposes_what_one_driver_would_have(tmp_path: Path, sampler: str) -> None:
    points = propose(tmp_path / "one", sampler)
    assert len(points) == 12
    assert len({tuple(point.items()) for point in points}) == 12  # none twice
    assert propose(tmp_path / "many", sampler, reopened=True) == points
    assert propose(tmp_path / "other", sampler, seed=1) != points
    assert all(("weight_decay" in point) == (point["optimizer"] == "adamw") for point in points)


def test_tpe_comes_nearer_to_the_best_than_chance(tmp_path: Path) -> None:
    def distance(sampler: str) -> float:
        points = propose(tmp_path / sampler, sampler, trials=40)[20:]
        return sum(abs(float(point["dropout"]) - 0.1) for point in points) / len(points)

    assert distance("multivariate-tpe") < distance("random")


def test_the_grid_is_walked_in_random_order_and_no_further() -> None:
    points = grid_points(SPACE, 2, seed=0, total=12)
    assert len(points) == 2 * 2 * 3
    assert points != grid_points(SPACE, 2, seed=1, total=12)
    with pytest.raises(ConfigError, match="--trials 12"):
        grid_points(SPACE, 2, seed=0, total=13)


def test_a_sobol_sequence_is_even_in_each_direction() -> None:
    rates = [sobol_point(SPACE, 0, number)["optimizer"] for number in range(16)]
    assert rates.count("sgd") == 8


def test_cmaes_needs_two_ranges(tmp_path: Path) -> None:
    narrow = parse_space("dropout: {min: 0.0, max: 0.3}\noptimizer: [adamw, sgd]", source="test")
    with pytest.raises(ConfigError, match="two or more"):
        Study(tmp_path, narrow, FinetuneConfig(), TuneConfig(sampler="cmaes"), dataset="examples")


def test_a_study_of_other_options_is_refused(tmp_path: Path) -> None:
    study(tmp_path, "tpe")
    study(tmp_path, "tpe", trials=20)  # more trials are no other study
    with pytest.raises(ConfigError, match="another sampler"):
        study(tmp_path, "random")
