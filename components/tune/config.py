"""What a user may choose about a study."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.images import TRAIN
from intclass.components.shared.kube.quantities import check_quantity
from intclass.components.tune.objectives import Objective, find_objectives

Sampler = Literal["random", "grid", "sobol", "tpe", "multivariate-tpe", "gp", "cmaes", "pbt"]
Pruner = Literal["none", "median", "asha", "hyperband"]
Launcher = Literal["local", "kubernetes"]
Executor = Literal["processes", "kubernetes"]
Kind = Literal["job", "pytorchjob"]
ResumePolicy = Literal["Never", "LongRunning", "FromVolume"]

DEFAULT_TRIALS: Final = 32
SMALLEST_POPULATION: Final = 4
_IN_PODS: Final = {"katib": {"launcher": "kubernetes"}, "jobs": {"executor": "kubernetes"}}
_CHOICES: Final = {
    "sampler": get_args(Sampler),
    "pruner": get_args(Pruner),
    "launcher": get_args(Launcher),
    "executor": get_args(Executor),
}
_AT_LEAST: Final = {
    "trials": 1,
    "parallel": 0,
    "seed": 0,
    "first_epochs": 1,
    "reduction": 2,
    "startup_trials": 0,
    "grid_points": 1,
    "population": SMALLEST_POPULATION,
    "interval": 1,
    "max_restarts": 0,
    "max_failed": 0,
    "trial_seconds": 0,
    "trial_memory_mb": 1,
}


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """How the search goes on.

    Attributes:
        sampler: Who proposes the next trial: `random`; `grid`, in random order; `sobol`, an even spread; `tpe`
            (Bergstra et al. 2011) and `multivariate-tpe` (Falkner et al. 2018, "BOHB"); `gp`, a Gaussian process;
            `cmaes` (Hansen 2016), which moves ranges; `pbt`, population-based training (Jaderberg et al. 2017).
        pruner: Who stops a trial early: `asha` (Li et al. 2020, "Massively parallel hyperparameter tuning"),
            `hyperband`, `median`, or `none`. A pruner needs a single objective.
        trials: How many trials the study has; None takes 32. Of `pbt` each generation of each member is a trial, and
            `population` says how many there are.
        parallel: Trials at the same time in this process; 0 takes as many as cores, memory and GPUs allow.
        objectives: What is searched for, the first before the others; with several, a Pareto front.
        seed: Every proposal follows from it, the number of the trial and the results so far.
        first_epochs: Epochs after which a trial may be stopped for the first time.
        reduction: Of so many trials one goes on at each of `asha`'s and `hyperband`'s looks, which are so many times
            further apart each time.
        startup_trials: Trials that end undisturbed before `median` stops any, and before `tpe` learns from them.
        grid_points: Values of each range on the grid.
        population: Members of `pbt`.
        interval: Epochs of a generation of `pbt`.
        truncation: Share of a generation of `pbt` that is replaced by copies of its best.
        max_restarts: How often a trial whose process was killed goes on from its checkpoint before it counts as failed.
        max_failed: How many trials may fail before the study ends.
        trial_seconds: A trial is stopped after so long, wherever it stands; 0 never stops one.
        trial_memory_mb: Memory to reckon with for one trial.
        keep_models: Keep every trial's model, not those of the best trials alone.
        launcher: Who drives the study: `local`, this process, or `kubernetes`, Katib, with an Experiment.
        executor: Where the trials of this process's own study train: `processes` of this machine, or `kubernetes`, as
            Jobs.
    """

    sampler: Sampler = "tpe"
    pruner: Pruner = "asha"
    trials: int | None = None
    parallel: int = 0
    objectives: tuple[str, ...] = ("validation_loss",)
    seed: int = 0
    first_epochs: int = 1
    reduction: int = 3
    startup_trials: int = 8
    grid_points: int = 3
    population: int = 8
    interval: int = 2
    truncation: float = 0.25
    max_restarts: int = 5
    max_failed: int = 3
    trial_seconds: int = 0
    trial_memory_mb: int = 1024
    keep_models: bool = False
    launcher: Launcher = "local"
    executor: Executor = "processes"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}")
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise ConfigError(f"{name} is {value}; give at least {least}")
        if not 0 < self.truncation <= 0.5:
            raise ConfigError(f"truncation is {self.truncation:g}; give a share above 0, up to 0.5")
        if self.launcher == "kubernetes" and self.executor == "kubernetes":
            raise ConfigError("launcher kubernetes is Katib, which runs trials itself; give one of the two kubernetes")
        several = len(find_objectives(self.objectives)) > 1
        if several and self.pruner != "none":
            raise ConfigError(f"pruner is {self.pruner!r} with several objectives; a pruner compares by one: give none")
        if several and self.sampler in ("cmaes", "pbt"):
            raise ConfigError(f"sampler is {self.sampler!r} with several objectives; take tpe, gp, random, grid, sobol")
        if self.sampler == "pbt" and self.pruner != "none":
            raise ConfigError("pbt replaces what does badly itself; give --pruner none")
        if self.sampler == "pbt" and self.trials is not None:
            raise ConfigError(
                f"trials is {self.trials}; with pbt give --population, of which each generation is a trial"
            )

    @property
    def goals(self) -> list[Objective]:
        """The objectives."""
        return find_objectives(self.objectives)

    def generations(self, epochs: int) -> int:
        """Generations of `pbt` in a training of so many epochs."""
        return math.ceil(epochs / self.interval)

    def total(self, base: FinetuneConfig) -> int:
        """Trials in the whole study."""
        if self.sampler == "pbt":
            return self.population * self.generations(base.epochs)
        return self.trials or DEFAULT_TRIALS


def in_pods(by: str) -> dict[str, str]:
    """The options of TuneConfig for trials in pods, run by `katib` or by this program's `jobs`."""
    if by not in _IN_PODS:
        raise ConfigError(f"trials in pods by {by!r}; choose one of {', '.join(_IN_PODS)}")
    return _IN_PODS[by]


@dataclass(frozen=True, kw_only=True)
class ClusterConfig:
    """What trials on a cluster are given, Katib's or this program's own.

    Attributes:
        kind: A trial is a `job`, or with Katib a `pytorchjob` with one master.
        cpu: Cores of a trial's pod, as Kubernetes writes them.
        memory: Memory of a trial's pod, as Kubernetes writes it.
        gpus: NVIDIA GPUs of a trial's pod.
        node_selector: Labels that a node must have.
        spot: Whether trials may run on spot machines.
        queue: Kueue's LocalQueue that each trial waits in; empty: none.
        image: The trials' container image.
        service_account: Whose rights the trials have in the bucket.
        namespace: Where they run; empty takes this pod's own, or the kubeconfig's.
        resume_policy: Whether Katib keeps what proposes trials when the Experiment has ended.
        retain: Whether the trials' pods are kept, for their logs.
        deadline_seconds: A trial is ended after so long.
    """

    kind: Kind = "job"
    cpu: str = "2"
    memory: str = "4Gi"
    gpus: int = 0
    node_selector: Mapping[str, str] = field(default_factory=dict)
    spot: bool = True
    queue: str = ""
    image: str = TRAIN
    service_account: str = "intclass-train"
    namespace: str = ""
    resume_policy: ResumePolicy = "Never"
    retain: bool = False
    deadline_seconds: int = 6 * 3600

    def __post_init__(self) -> None:
        for name, choices in (("kind", get_args(Kind)), ("resume_policy", get_args(ResumePolicy))):
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}")
        for name in ("cpu", "memory"):
            check_quantity(name, getattr(self, name))
        for name, least in (("gpus", 0), ("deadline_seconds", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; give at least {least}")
