"""Population-based training (Jaderberg et al. 2017), a generation at a time.

All members train for an interval; then each of the worst goes on as a copy of one of the best, weights and all, with
options that differ a little. A trial is one generation of one member: number = generation * population + member. What
is proposed depends on the seed, the number, and the results of the generation before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from intclass.components.shared.errors import ConfigError
from intclass.components.tune.config import TuneConfig
from intclass.components.tune.limits import EXPLORABLE
from intclass.components.tune.objectives import Objective
from intclass.components.tune.space import Choice, Parameter, Point, SearchSpace, Value

_FACTORS: Final = (0.8, 1.25)
_RESAMPLE: Final = 0.25  # how often a value is drawn anew


@dataclass(frozen=True)
class Member:
    """A member in a generation: what it tries, and the trial whose checkpoint it goes on from."""

    point: Point
    parent: int | None


def propose(
    number: int, trials: Sequence[FrozenTrial], space: SearchSpace, config: TuneConfig, goal: Objective
) -> Member:
    """The member of that trial number; all trials of the generation before it have ended.

    Raises ConfigError if all of them failed.
    """
    rng = np.random.default_rng((config.seed, number))
    generation, place = divmod(number, config.population)
    if generation == 0:
        return Member(space.point(lambda parameter: parameter.domain.at(rng.random())), None)
    first = (generation - 1) * config.population
    before = trials[first : first + config.population]
    ranked = sorted((each for each in before if each.state == TrialState.COMPLETE), key=lambda each: _key(each, goal))
    if not ranked:
        raise ConfigError(f"all {config.population} trials of generation {generation - 1} failed; see their logs")
    count = max(1, int(config.truncation * config.population))
    own = before[place]
    stays = [each.number for each in ranked[: max(len(ranked) - count, 1)]]
    if own.number in stays:
        return Member(dict(own.params), own.number)
    donor = ranked[int(rng.integers(min(count, len(ranked))))]
    return Member(explore(donor.params, space, rng), donor.number)


def explore(point: Point, space: SearchSpace, rng: np.random.Generator) -> Point:
    """The point with every explorable value moved by a factor of 0.8 or 1.25, or, one in four times, drawn anew."""

    def pick(parameter: Parameter) -> Value:
        if parameter.name not in EXPLORABLE and parameter.name in point:
            return point[parameter.name]
        share, move, up = rng.random(), rng.random(), bool(rng.integers(2))
        if move < _RESAMPLE or parameter.name not in point:
            return parameter.domain.at(share)
        if isinstance(parameter.domain, Choice):
            return point[parameter.name]
        return parameter.domain.neighbour(point[parameter.name], _FACTORS[up], 1 if up else -1)

    return space.point(pick)


def _key(trial: FrozenTrial, goal: Objective) -> tuple[float, int]:
    assert trial.values is not None
    return goal.key(trial.values[0]), trial.number
