"""The study as an Experiment of Katib (v1beta1)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kubeflow.katib import (
    V1beta1AlgorithmSetting,
    V1beta1AlgorithmSpec,
    V1beta1CollectorSpec,
    V1beta1EarlyStoppingSetting,
    V1beta1EarlyStoppingSpec,
    V1beta1Experiment,
    V1beta1ExperimentSpec,
    V1beta1MetricsCollectorSpec,
    V1beta1MetricStrategy,
    V1beta1ObjectiveSpec,
)

from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared.errors import ConfigError
from intclass.components.tune.config import ClusterConfig, TuneConfig
from intclass.components.tune.encoding import encoded_space
from intclass.components.tune.limits import refuse_for_cmaes, refuse_for_population
from intclass.components.tune.objectives import Objective
from intclass.components.tune.space import Parameter, Range, SearchSpace
from intclass.components.tune.template import CHECKPOINTS, trial_template

_ALGORITHMS: Final = {"gp": "bayesianoptimization"}  # others have the same name
_PARALLEL: Final = 3  # as Katib has it, where nothing is said
_SMALLEST_POPULATION: Final = 5  # that Katib's pbt takes


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What Katib is asked for; the settings are those that its own checks let pass."""

    algorithm: str
    settings: Mapping[str, str]
    space: SearchSpace
    trials: int
    parallel: int


def katib_experiment(
    space: SearchSpace,
    base: FinetuneConfig,
    config: TuneConfig,
    cluster: ClusterConfig,
    *,
    dataset: str,
    out: str,
    labels: Mapping[str, str],
) -> V1beta1Experiment:
    """The Experiment, its metadata left out; its trials write below `out`, and their pods have the labels.

    Raises ConfigError, with the reason, for what Katib cannot do.
    """
    asked = _asked(space, base, config)
    goals = config.goals
    if any(goal.name == "latency_ms" for goal in goals):
        raise ConfigError(
            "Katib's trials train and measure no latency_ms; take --objective parameters, or launcher local"
        )
    spec = V1beta1ExperimentSpec(
        objective=V1beta1ObjectiveSpec(
            type=goals[0].direction,
            objective_metric_name=goals[0].name,
            additional_metric_names=_additional(goals),
            metric_strategies=_strategies(goals),
        ),
        algorithm=V1beta1AlgorithmSpec(
            algorithm_name=asked.algorithm,
            algorithm_settings=[
                V1beta1AlgorithmSetting(name=name, value=value) for name, value in asked.settings.items()
            ],
        ),
        early_stopping=_early_stopping(config),
        parameters=encoded_space(asked.space, asked.algorithm, points=config.grid_points),
        parallel_trial_count=asked.parallel,
        max_trial_count=asked.trials,
        max_failed_trial_count=min(config.max_failed, asked.trials),
        # Katib's pbt keeps the trials' checkpoints on a volume, which has to be there when it is asked again.
        resume_policy="FromVolume" if asked.algorithm == "pbt" else cluster.resume_policy,
        metrics_collector_spec=V1beta1MetricsCollectorSpec(collector=V1beta1CollectorSpec(kind="StdOut")),
        trial_template=trial_template(
            asked.space, base, cluster, dataset=dataset, out=out, labels=labels, interval=_interval(config)
        ),
    )
    return V1beta1Experiment(api_version="kubeflow.org/v1beta1", kind="Experiment", spec=spec)


def searched_space(space: SearchSpace, base: FinetuneConfig, config: TuneConfig) -> SearchSpace:
    """The space that Katib searches: of hyperband epochs are a parameter too, as that is what it gives out."""
    if config.pruner != "hyperband":
        return space
    others = tuple(parameter for parameter in space.parameters if parameter.name != "epochs")
    return SearchSpace((*others, Parameter("epochs", Range(low=1, high=_most_epochs(space, base), whole=True))))


def _asked(space: SearchSpace, base: FinetuneConfig, config: TuneConfig) -> Experiment:
    algorithm = _ALGORITHMS.get(config.sampler, config.sampler)
    searched = searched_space(space, base, config)
    seed = {"random_state": str(config.seed)}
    startup = str(config.startup_trials)
    trials = config.total(base)
    settings: dict[str, str]
    match algorithm:
        case _ if config.pruner == "asha":
            raise ConfigError("Katib has no asha; give --pruner median, hyperband or none, or --launcher local")
        case _ if config.pruner == "hyperband":
            return _hyperband(searched, base, config)
        case "pbt":
            return _population(searched, base, config)
        case "random" | "tpe":  # Hyperopt's, which refuses n_startup_trials
            settings = seed
        case "grid":
            _refuse_small_grid(space, config, trials)
            settings = seed
        case "multivariate-tpe":
            settings = {"n_startup_trials": startup, **seed}
        case "bayesianoptimization":
            settings = {"base_estimator": "GP", "n_initial_points": startup, "acq_func": "gp_hedge", **seed}
        case "cmaes":
            refuse_for_cmaes(space)
            settings = {"restart_strategy": "none", **seed}
        case _:  # sobol has no settings
            settings = {}
    parallel = min(config.parallel or _PARALLEL, trials)
    return Experiment(algorithm=algorithm, settings=settings, space=searched, trials=trials, parallel=parallel)


def _hyperband(space: SearchSpace, base: FinetuneConfig, config: TuneConfig) -> Experiment:
    """Brackets of epochs from few to `base.epochs`; the number of trials follows from them."""
    if config.sampler != "random":
        raise ConfigError(f"Katib's hyperband draws at random; give --sampler random, not {config.sampler}")
    if config.trials is not None:
        raise ConfigError(
            f"trials is {config.trials}; Katib's hyperband makes as many as its brackets need; leave it out"
        )
    epochs, eta = _most_epochs(space, base), config.reduction
    widest = eta ** brackets(epochs, eta)
    parallel = config.parallel or widest
    if parallel < widest:
        raise ConfigError(
            f"parallel is {parallel}; Katib's hyperband begins {widest} trials at once: give at least that"
        )
    settings = {"resource_name": "epochs", "r_l": str(epochs), "eta": str(eta)}
    trials = hyperband_trials(epochs, eta)
    return Experiment(algorithm="hyperband", settings=settings, space=space, trials=trials, parallel=parallel)


def brackets(epochs: int, eta: int) -> int:
    """The number of Katib's last bracket, counted from 0."""
    return int(math.log(epochs) / math.log(eta))


def hyperband_trials(epochs: int, eta: int) -> int:
    """Trials in all brackets (Li et al. 2018, "Hyperband", algorithm 1, as Katib counts them)."""
    last = brackets(epochs, eta)
    total = 0
    for bracket in range(last, -1, -1):
        count = math.ceil((last + 1) * eta**bracket / (bracket + 1))
        total += sum(math.ceil(count / eta**rung) for rung in range(bracket + 1))
    return total


def _population(space: SearchSpace, base: FinetuneConfig, config: TuneConfig) -> Experiment:
    refuse_for_population(space)
    if config.population < _SMALLEST_POPULATION:
        raise ConfigError(f"population is {config.population}; Katib's pbt takes at least {_SMALLEST_POPULATION}")
    settings = {
        "suggestion_trial_dir": CHECKPOINTS,
        "n_population": str(config.population),
        "truncation_threshold": f"{config.truncation:g}",
    }
    trials = config.total(base)
    parallel = min(config.parallel or _PARALLEL, trials)
    return Experiment(algorithm="pbt", settings=settings, space=space, trials=trials, parallel=parallel)


def _interval(config: TuneConfig) -> int | None:
    return config.interval if config.sampler == "pbt" else None


def _most_epochs(space: SearchSpace, base: FinetuneConfig) -> int:
    return max(int(end) for end in space["epochs"].domain.ends) if "epochs" in space.names else base.epochs


def _refuse_small_grid(space: SearchSpace, config: TuneConfig, trials: int) -> None:
    """Katib refuses more trials than the grid has points."""
    points = math.prod(len(parameter.domain.points(config.grid_points)) for parameter in space.parameters)
    if points < trials:
        raise ConfigError(f"the grid has {points} points, fewer than {trials} trials; give --trials {points}")


def _early_stopping(config: TuneConfig) -> V1beta1EarlyStoppingSpec | None:
    if config.pruner != "median":
        return None
    if config.sampler == "pbt":
        raise ConfigError("pbt replaces what does badly itself; give --pruner none")
    settings = {"min_trials_required": max(1, config.startup_trials), "start_step": config.first_epochs}
    made = [V1beta1EarlyStoppingSetting(name=name, value=str(value)) for name, value in settings.items()]
    return V1beta1EarlyStoppingSpec(algorithm_name="medianstop", algorithm_settings=made)


def _additional(goals: Sequence[Objective]) -> list[str]:
    """What Katib notes beside the objective: the other objectives, and what a reader would ask for."""
    names = [goal.name for goal in goals[1:]] + ["validation_loss", "validation_accuracy", "parameters"]
    return [name for name in dict.fromkeys(names) if name != goals[0].name]


def _strategies(goals: Sequence[Objective]) -> list[V1beta1MetricStrategy]:
    """Which of the values that a trial prints counts: of an objective the best, of the others the last."""
    best = {goal.name: "max" if goal.maximize else "min" for goal in goals}
    names = [goals[0].name, *_additional(goals)]
    return [V1beta1MetricStrategy(name=name, value=best.get(name, "latest")) for name in names]
