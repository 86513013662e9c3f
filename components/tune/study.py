"""The study in its folder: what has been tried and is being tried, for any number of drivers at the same time.

In a bucket, where there are no locks, one driver at a time.

OUT/study.json          what is searched, and how; a study with other options is refused
OUT/study.log           Optuna's journal: every proposal, every epoch's metrics, how each trial ended
OUT/trials/0007/        one trial: its log, its process, its model
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages.journal import BaseJournalBackend, JournalStorage
from optuna.trial import FrozenTrial, TrialState

from intclass.components.finetune.config import FinetuneConfig
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError
from intclass.components.tune.bucket import BucketJournal
from intclass.components.tune.config import TuneConfig
from intclass.components.tune.distributions import distribution_of
from intclass.components.tune.limits import refuse_for_population
from intclass.components.tune.locks import journal, locked
from intclass.components.tune.population import propose
from intclass.components.tune.samplers import make_pruner, make_sampler
from intclass.components.tune.space import Parameter, Point, SearchSpace, Value

FILE_NAME: Final = "study.json"
TRIALS: Final = "trials"
_JOURNAL: Final = "study.log"
_NAME: Final = "intclass"
_EPOCH: Final = "epoch "
_PARENT: Final = "parent"
_READY: Final = "ready"  # a proposal is whole
# How drivers go about it; the rest is what a study is, and must stay as it is.
_MAY_CHANGE: Final = (
    "trials",
    "parallel",
    "max_restarts",
    "max_failed",
    "trial_memory_mb",
    "keep_models",
    "launcher",
    "executor",
)


class Study:
    """A study with its rules; one object for each driver."""

    def __init__(
        self, folder: str | Path, space: SearchSpace, base: FinetuneConfig, config: TuneConfig, *, dataset: str
    ) -> None:
        self.folder, self.space, self.base = str(folder), space, base
        self.config, self.dataset = config, dataset
        self.goals = config.goals
        self.total = config.total(base)
        if config.sampler == "pbt":
            refuse_for_population(space)
        sampler = make_sampler(config, space, total=self.total)
        with self._locked():
            _refuse_another(self.folder, _identity(space, base, config, dataset))
            optuna.logging.set_verbosity(optuna.logging.ERROR)  # the driver tells what happens
            self._storage = JournalStorage(self._journal())
            self._study = optuna.create_study(
                study_name=_NAME,
                storage=self._storage,
                sampler=sampler,
                pruner=make_pruner(config, epochs=_most_epochs(space, base)),
                directions=[goal.direction for goal in self.goals],
                load_if_exists=True,
            )

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """All trials, or those in one of the states, by number."""
        return list(self._study.get_trials(deepcopy=False, states=states or None))

    def trial(self, number: int) -> FrozenTrial:
        """The trial as it stands now."""
        return self._storage.get_trial(self._id(number))

    def place_of(self, number: int) -> str:
        """Where the trial's files lie."""
        return storage.join(self.folder, TRIALS, f"{number:04}")

    def folder_of(self, number: int) -> Path:
        """The same, of a study on this machine."""
        assert not storage.is_remote(self.folder)
        return Path(self.place_of(number))

    def propose(self) -> int | None:
        """The number of a new trial, or None while there is nothing to begin.

        One driver proposes at a time, so that there are never more than `total` trials.
        """
        with self._locked():
            trials = self.trials()
            if len(trials) >= self.total or not self._may_begin(len(trials), trials):
                return None
            trial = self._study.ask()
            self._fill(trial)
            return int(trial.number)

    def complete_proposal(self, number: int) -> None:
        """Give the trial what it lacks, if a driver was killed while it proposed it."""
        with self._locked():  # which a driver that is proposing it holds
            if _READY not in self.trial(number).user_attrs:
                self._fill(optuna.trial.Trial(self._study, self._id(number)))

    def point(self, number: int) -> Point:
        """What the trial tries."""
        return dict(self.trial(number).params)

    def parent(self, number: int) -> int | None:
        """The trial whose checkpoint this one goes on from."""
        parent: int | None = self.trial(number).user_attrs.get(_PARENT)
        return parent

    def epochs(self, number: int) -> dict[int, dict[str, float]]:
        """The metrics of each epoch that was reported."""
        notes = self.trial(number).user_attrs
        return {int(name.removeprefix(_EPOCH)): notes[name] for name in notes if name.startswith(_EPOCH)}

    def report(self, number: int, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Note an epoch's metrics, once; returns whether the trial is to be stopped now."""
        identity, trial = self._id(number), self.trial(number)
        if epoch not in trial.intermediate_values and self.goals[0].name in metrics:
            self._storage.set_trial_user_attr(identity, f"{_EPOCH}{epoch}", dict(metrics))
            self._storage.set_trial_intermediate_value(identity, epoch, metrics[self.goals[0].name])
        elif epoch < max(trial.intermediate_values, default=0):
            return False  # seen again by a training that went back to its checkpoint
        return len(self.goals) == 1 and self._study.pruner.prune(self._study, self.trial(number))

    def note(self, number: int, **attributes: Any) -> None:  # noqa: ANN401 - anything that JSON holds
        """Note facts about the trial."""
        for name, value in attributes.items():
            self._storage.set_trial_user_attr(self._id(number), name, value)

    def tell(self, number: int, state: TrialState, values: Sequence[float] | None = None) -> None:
        """Note how the trial ended."""
        self._study.tell(number, values, state)

    @property
    def is_over(self) -> bool:
        """Whether all trials have ended."""
        trials = self.trials()
        return len(trials) >= self.total and all(trial.state.is_finished() for trial in trials)

    def _locked(self) -> AbstractContextManager[None]:
        """No other driver changes the study inside; in a bucket its journal sees to that."""
        if storage.is_remote(self.folder):
            return nullcontext()
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        return locked(Path(self.folder) / "study.lock")

    def _journal(self) -> BaseJournalBackend:
        path = storage.join(self.folder, _JOURNAL)
        return BucketJournal(path) if storage.is_remote(path) else journal(Path(path))

    def _fill(self, trial: optuna.trial.Trial) -> None:
        if self.config.sampler == "pbt":
            member = propose(trial.number, self.trials(), self.space, self.config, self.goals[0])
            point, parent = member.point, member.parent
            for parameter in self.space.parameters:
                if parameter.name in point:
                    self._fix(trial, parameter, point[parameter.name])
            trial.set_user_attr(_PARENT, parent)
        else:
            self.space.point(lambda parameter: _suggest(trial, parameter))
        trial.set_user_attr(_READY, True)

    def _may_begin(self, number: int, trials: Sequence[FrozenTrial]) -> bool:
        """Whether what the proposal depends on is known: of pbt the whole generation before."""
        if self.config.sampler != "pbt":
            return True
        before = trials[: number // self.config.population * self.config.population]
        return all(trial.state.is_finished() for trial in before)

    def _id(self, number: int) -> int:
        study = self._storage.get_study_id_from_name(_NAME)
        return int(self._storage.get_trial_id_from_study_id_trial_number(study, number))

    def _fix(self, trial: optuna.trial.Trial, parameter: Parameter, value: Value) -> None:
        if parameter.name not in trial.params:
            distribution = distribution_of(parameter.domain)
            internal = distribution.to_internal_repr(value)
            self._storage.set_trial_param(self._id(trial.number), parameter.name, internal, distribution)


def _suggest(trial: optuna.trial.Trial, parameter: Parameter) -> Value:
    distribution = distribution_of(parameter.domain)
    value: Value
    if isinstance(distribution, CategoricalDistribution):
        value = trial.suggest_categorical(parameter.name, distribution.choices)
    elif isinstance(distribution, IntDistribution):
        span = {"log": True} if distribution.log else {"step": distribution.step}
        value = trial.suggest_int(parameter.name, distribution.low, distribution.high, **span)
    else:
        assert isinstance(distribution, FloatDistribution)
        low, high = distribution.low, distribution.high
        value = trial.suggest_float(parameter.name, low, high, log=distribution.log, step=distribution.step)
    return value


def _most_epochs(space: SearchSpace, base: FinetuneConfig) -> int:
    if "epochs" not in space.names:
        return base.epochs
    return max(int(end) for end in space["epochs"].domain.ends)


def _identity(space: SearchSpace, base: FinetuneConfig, config: TuneConfig, dataset: str) -> dict[str, Any]:
    rules = {name: value for name, value in asdict(config).items() if name not in _MAY_CHANGE}
    return {"dataset": dataset, "space": space.to_json(), "finetune": asdict(base), **rules}


def _refuse_another(folder: str, identity: Mapping[str, Any]) -> None:
    """Write what the study is, or raise ConfigError if the folder holds another one."""
    path = storage.join(folder, FILE_NAME)
    here = json.loads(json.dumps(identity))
    if not storage.exists(path):
        storage.write_text(path, json.dumps(here, indent=2) + "\n")
        return
    there = json.loads(storage.read_text(path))
    for name in sorted({*there, *here}):
        if there.get(name) != here.get(name):
            raise ConfigError(
                f"{folder} holds a study with another {name}; give the same options to go on with it, or another --out"
            )
