"""What a user may choose about a dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from intclass.components.shared.errors import ConfigError
from intclass.components.shared.records import SPLITS, Split

Target = Literal["elementary", "solved"]

# The classes of each target: label 0, label 1.
CLASS_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "elementary": ("nonelementary", "elementary"),
    "solved": ("unsolved", "solved"),
}
_PATHS: Final = ("hold_out", "hold_out_scaled", "extends")


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
        hold_out_scaled: The same of functions that must not be learnt, though others with other exponents may: what
            agrees with them up to constant terms and factors is left out; of a dataset that is extended, from train and
            validation alone.
        extends: The folder of a dataset whose examples come first, with their splits; its options of splitting hold.
        hold_out_generators: Functions that these generators made become the split `test_generator`.
        hold_out_larger_than: Functions of more nodes than this become the split `test_size`; 0 holds out none.
        hold_out_structures: Functions of this share of all tree shapes, constants aside, become the split
            `test_structure`.
        compact: Write a smaller file, without what other columns say; `records.read_table` finds it again.
        seed: Decides which families lie in which split.
    """

    target: str = "elementary"
    solved_within_seconds: float = 1.0
    test_fraction: float = 0.15
    validation_fraction: float = 0.15
    max_per_skeleton: int = 1
    hold_out: tuple[str, ...] = ()
    hold_out_scaled: tuple[str, ...] = ()
    extends: str | None = None
    hold_out_generators: tuple[str, ...] = ()
    hold_out_larger_than: int = 0
    hold_out_structures: float = 0.0
    compact: bool = False
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
        for name, meaning in (("max_per_skeleton", "no limit"), ("hold_out_larger_than", "hold out none")):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}; give 0 ({meaning}) or more")
        if not 0 <= self.hold_out_structures < 1:
            raise ConfigError(
                f"hold_out_structures is {self.hold_out_structures}; give 0 (hold out none) or more, below 1"
            )

    def record(self) -> dict[str, Any]:
        """The options as JSON values, without paths."""
        options = asdict(self) | {"hold_out_generators": list(self.hold_out_generators)}
        return {name: value for name, value in options.items() if name not in _PATHS}

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits that are asked for, in the order of records.SPLITS."""
        asked: Mapping[Split, bool] = {
            "test_generator": bool(self.hold_out_generators),
            "test_size": self.hold_out_larger_than > 0,
            "test_structure": self.hold_out_structures > 0,
        }
        return tuple(split for split in SPLITS if asked.get(split, True))

    @property
    def class_names(self) -> tuple[str, str]:
        """The names of label 0 and label 1."""
        return CLASS_NAMES[self.target]
