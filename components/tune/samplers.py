"""Optuna's samplers and pruners, made so that a study goes on alike after a restart.

A sampler that draws at random is made anew for each trial, with a seed that follows from the study's and the trial's
number: a driver that was restarted, or a second one, neither repeats nor changes the sequence.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, Final

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import qmc

from intclass.components.shared.errors import ConfigError
from intclass.components.tune.config import TuneConfig
from intclass.components.tune.limits import refuse_for_cmaes
from intclass.components.tune.space import Point, SearchSpace, Value

MAX_GRID: Final = 100_000


def make_sampler(config: TuneConfig, space: SearchSpace, *, total: int) -> BaseSampler:
    """The sampler of a study of `total` trials; raises ConfigError if the space is not for it."""
    startup = config.startup_trials
    match config.sampler:
        case "grid":
            return Listed(grid_points(space, config.grid_points, seed=config.seed, total=total).__getitem__)
        case "sobol":
            return Listed(partial(sobol_point, space, config.seed))
        case "tpe":
            return Seeded(config.seed, partial(TPESampler, n_startup_trials=startup))
        case "multivariate-tpe":
            return Seeded(config.seed, partial(_multivariate_tpe, startup))
        case "gp":
            return Seeded(config.seed, partial(GPSampler, n_startup_trials=startup))
        case "cmaes":
            refuse_for_cmaes(space)
            return Seeded(config.seed, partial(CmaEsSampler, warn_independent_sampling=False))
        case _:  # pbt proposes by itself, and draws its first members at random
            return Seeded(config.seed, RandomSampler)


def make_pruner(config: TuneConfig, *, epochs: int) -> BasePruner:
    """The pruner of trials of at most so many epochs."""
    match config.pruner:
        case "asha":
            return SuccessiveHalvingPruner(min_resource=config.first_epochs, reduction_factor=config.reduction)
        case "hyperband":
            return HyperbandPruner(
                min_resource=config.first_epochs,
                max_resource=max(epochs, config.first_epochs),
                reduction_factor=config.reduction,
            )
        case "median":
            return MedianPruner(n_startup_trials=config.startup_trials, n_warmup_steps=config.first_epochs - 1)
        case _:
            return NopPruner()


def grid_points(space: SearchSpace, points: int, *, seed: int, total: int) -> list[Point]:
    """The grid in random order; raises ConfigError if it has fewer points than the study trials, or far too many."""
    grid = list(itertools.islice(space.grid(points), MAX_GRID + 1))
    if len(grid) > MAX_GRID:
        raise ConfigError(f"the grid has more than {MAX_GRID} points; give fewer options or a smaller --grid-points")
    if len(grid) < total:
        raise ConfigError(f"the grid has {len(grid)} points, fewer than {total} trials; give --trials {len(grid)}")
    return [grid[place] for place in np.random.default_rng(seed).permutation(len(grid))]


def sobol_point(space: SearchSpace, seed: int, number: int) -> Point:
    """The point of that number in a scrambled Sobol sequence (Owen 1998)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # balance needs a power of two; a sequence is even at any length
        engine = qmc.Sobol(len(space.parameters), seed=np.random.default_rng(seed))
        if number:
            engine.fast_forward(number)
        [shares] = engine.random(1).tolist()
    drawn = dict(zip(space.names, shares, strict=True))
    return space.point(lambda parameter: parameter.domain.at(drawn[parameter.name]))


def _multivariate_tpe(startup: int, *, seed: int) -> BaseSampler:
    """TPE over all parameters together, in groups of those that are open together."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(n_startup_trials=startup, multivariate=True, group=True, seed=seed)


class Listed(BaseSampler):  # type: ignore[misc] # Optuna's types are not looked at
    """Gives the trial of each number the point of that number."""

    def __init__(self, point_of: Callable[[int], Point]) -> None:
        self._point_of = cache(point_of)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Nothing is drawn together."""
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Nothing is drawn together."""
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Value:
        """The point's value."""
        return self._point_of(trial.number)[param_name]


class Seeded(BaseSampler):  # type: ignore[misc]
    """Asks a sampler of its own for each trial, whose seed follows from the study's and the trial's number."""

    def __init__(self, seed: int, make: Callable[..., BaseSampler]) -> None:
        self._seed, self._make = seed, make
        self._number, self._sampler = -1, make(seed=seed)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """As the trial's sampler does it."""
        space: dict[str, BaseDistribution] = self._of(trial).infer_relative_search_space(study, trial)
        return space

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As the trial's sampler does it."""
        drawn: dict[str, Any] = self._of(trial).sample_relative(study, trial, search_space)
        return drawn

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # noqa: ANN401 - Optuna's own type
        """As the trial's sampler does it."""
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """As the trial's sampler does it."""
        self._of(trial).before_trial(study, trial)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """As the trial's sampler does it."""
        self._of(trial).after_trial(study, trial, state, values)

    def _of(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number != self._number:
            [seed] = np.random.SeedSequence([self._seed, trial.number]).generate_state(1)
            self._number, self._sampler = trial.number, self._make(seed=int(seed))
        return self._sampler
