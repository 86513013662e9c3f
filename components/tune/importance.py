"""How much each parameter matters, whoever ran the trials."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Final

import optuna
from optuna.trial import create_trial

from intclass.components.tune.distributions import distribution_of
from intclass.components.tune.objectives import Objective
from intclass.components.tune.results import Trial
from intclass.components.tune.space import SearchSpace

_FEWEST: Final = 4  # complete trials of which anything can be told


def importances_of(trials: Sequence[Trial], space: SearchSpace, goal: Objective) -> dict[str, float]:
    """Each parameter's share in what the first objective varies by (PED-ANOVA, Watanabe et al. 2023).

    Of the parameters that every complete trial has; empty while there is nothing to tell.
    """
    complete = [trial for trial in trials if trial.values is not None]
    if len(complete) < _FEWEST:
        return {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    domains = {parameter.name: distribution_of(parameter.domain) for parameter in space.parameters}
    for trial in complete:
        assert trial.values is not None
        own = {name: domains[name] for name in trial.point}
        study.add_trial(create_trial(params=dict(trial.point), distributions=own, value=goal.key(trial.values[0])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # it says that smaller is taken for better, which holds here
        found = optuna.importance.get_param_importances(study)
    return {name: float(share) for name, share in found.items()}
