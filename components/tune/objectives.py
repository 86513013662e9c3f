"""What may be searched for, and in which direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from intclass.components.shared.errors import ConfigError


@dataclass(frozen=True)
class Objective:
    """A number of a finished trial; `by_epoch` says whether each epoch has one."""

    name: str
    maximize: bool
    by_epoch: bool
    label: str

    @property
    def direction(self) -> str:
        """As Optuna and Katib write it."""
        return "maximize" if self.maximize else "minimize"

    def key(self, value: float) -> float:
        """Smaller is better."""
        return -value if self.maximize else value


_ALL: Final = (
    Objective("validation_loss", maximize=False, by_epoch=True, label="validation loss"),
    Objective("validation_accuracy", maximize=True, by_epoch=True, label="validation accuracy"),
    Objective("validation_auroc", maximize=True, by_epoch=True, label="validation AUROC"),
    Objective("latency_ms", maximize=False, by_epoch=False, label="milliseconds for one answer"),
    Objective("parameters", maximize=False, by_epoch=False, label="parameters"),
)
OBJECTIVES: Final = {objective.name: objective for objective in _ALL}


def find_objectives(names: Sequence[str]) -> list[Objective]:
    """The objectives of these names; raises ConfigError for others, for none, and for one that is there twice."""
    for name in names:
        if name not in OBJECTIVES:
            raise ConfigError(f"objective is {name!r}; choose from {', '.join(OBJECTIVES)}")
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"objectives are {list(names)}; give at least one, and each once")
    if not OBJECTIVES[names[0]].by_epoch:
        raise ConfigError(f"the first objective is {names[0]}, which no epoch has; begin with validation_loss")
    return [OBJECTIVES[name] for name in names]


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is nowhere worse and somewhere better; both hold keys, of which smaller are better."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and list(one) != list(other)


def pareto_front(keys: Mapping[int, Sequence[float]]) -> list[int]:
    """Those that no other dominates, best first by the first key."""
    front = [name for name, own in keys.items() if not any(dominates(other, own) for other in keys.values())]
    return sorted(front, key=lambda name: (list(keys[name]), name))
