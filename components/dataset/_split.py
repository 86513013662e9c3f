"""Train, validation or test, by a hash of the family.

Near-copies are of one family, so they lie in one split. The place depends on the seed and the family and on nothing
else, so it stays what it is when the dataset grows.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from intclass.components.dataset.config import DatasetConfig
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.records import SPLITS, Split


def split_of(family: str, config: DatasetConfig) -> Split:
    """The split of every function of this family."""
    digest = hashlib.sha256(f"{config.seed}:{family}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < config.test_fraction:
        return "test"
    return "validation" if place < config.test_fraction + config.validation_fraction else "train"


Balance = dict[str, dict[str, int]]


def balance(splits: Sequence[str], labels: Sequence[int], config: DatasetConfig) -> Balance:
    """How many examples of each class each split holds: `{"train": {"nonelementary": 80, "elementary": 40}, ...}`."""
    counts = Counter(zip(splits, labels, strict=True))
    return {split: {name: counts[split, label] for label, name in enumerate(config.class_names)} for split in SPLITS}


def check_balance(balance: Balance) -> None:
    """Raise ConfigError with all counts if a split lacks a class."""
    for split, classes in balance.items():
        for name, count in classes.items():
            if count == 0:
                there_is = "; ".join(
                    f"{split} {', '.join(f'{number} {kind}' for kind, number in kinds.items())}"
                    for split, kinds in balance.items()
                )
                raise ConfigError(
                    f"the {split} split has no example that is '{name}' ({there_is}): "
                    "integrate more functions, or give --test-fraction and --validation-fraction more room"
                )
