"""What a user may choose about a dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from intclass.components.shared.errors import ConfigError

Target = Literal["elementary", "solved"]

# The classes of each target: label 0, label 1.
CLASS_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "elementary": ("nonelementary", "elementary"),
    "solved": ("unsolved", "solved"),
}


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """What is predicted, and how rows are chosen and split.

    Attributes:
        target: `elementary`: is there an elementary antiderivative? Decided functions only. `solved`: does SymPy give a
            closed form within `solved_within_seconds`? Every function that SymPy was asked.
        solved_within_seconds: For the target `solved`; at most the limit that SymPy ran with.
        test_fraction: Expected share of families of near-copies in the test split.
        validation_fraction: The same for the validation split.
        max_per_skeleton: So many functions that differ in constants alone are kept; 0 keeps all of them.
        hold_out: Files of integrands, one a line. Their near-copies are left out, so that they can judge a model.
        seed: Decides which families lie in which split.
    """

    target: str = "elementary"
    solved_within_seconds: float = 1.0
    test_fraction: float = 0.15
    validation_fraction: float = 0.15
    max_per_skeleton: int = 1
    hold_out: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.target not in CLASS_NAMES:
            raise ConfigError(f"target '{self.target}' is none of {', '.join(CLASS_NAMES)}")
        if not (math.isfinite(self.solved_within_seconds) and self.solved_within_seconds > 0):
            raise ConfigError(f"solved_within_seconds is {self.solved_within_seconds}; give a number above 0")
        for name in ("test_fraction", "validation_fraction"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; give a number between 0 and 1")
        if self.test_fraction + self.validation_fraction >= 1:
            both = f"test_fraction {self.test_fraction} and validation_fraction {self.validation_fraction}"
            raise ConfigError(f"{both} leave nothing to train on; give less than 1 together")
        if self.max_per_skeleton < 0:
            raise ConfigError(f"max_per_skeleton is {self.max_per_skeleton}; give 0 (no limit) or more")

    @property
    def class_names(self) -> tuple[str, str]:
        """The names of label 0 and label 1."""
        return CLASS_NAMES[self.target]
