"""Which split each row lies in: held out by what it is, or else train, validation or test by a hash of its family.

Near-copies are of one family. What is held out must be unlike all else: a row that is held out while a near-copy of it
is not is dropped, and decides nothing about that near-copy. So the random splits depend on the seed and the family
alone, and a larger dataset can drop a held-out row, but never bring a row from a test split into train.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from intclass.components.dataset.config import DatasetConfig
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.records import RANDOM_SPLITS, Split

Splits = list[Split]


def split_rows(rows: pa.Table, config: DatasetConfig) -> tuple[pa.Table, Splits, dict[str, int]]:
    """The rows that have a split, their splits, and how many were dropped; raises as `assign_splits` does."""
    assigned = assign_splits(rows, config)
    kept = rows.filter(pa.array([split is not None for split in assigned], pa.bool_()))
    return kept, [split for split in assigned if split is not None], {"half_held_out": len(rows) - len(kept)}


def assign_splits(rows: pa.Table, config: DatasetConfig) -> list[Split | None]:
    """Each row's split, None for what is dropped; `rows` has the columns of records.EXAMPLES and of Encoding.

    Raises ConfigError, with what there is instead, if a split that is asked for holds no row.
    """
    held_out = _held_out(rows, config)
    families = rows["family"].to_pylist()
    known = {family for family, split in zip(families, held_out, strict=True) if split is None}
    splits = [
        split_of(family, config) if split is None else None if family in known else split
        for family, split in zip(families, held_out, strict=True)
    ]
    _check_held_out(splits, rows, config)
    return splits


def split_of(family: str, config: DatasetConfig) -> Split:
    """The split of the functions of this family that are not held out."""
    place = _place(f"{config.seed}:{family}")
    if place < config.test_fraction:
        return "test"
    return "validation" if place < config.test_fraction + config.validation_fraction else "train"


def _held_out(rows: pa.Table, config: DatasetConfig) -> list[Split | None]:
    """The first of records.HELD_OUT_SPLITS that a row belongs to, so that each is unlike train in one way only.

    A function of a held-out size is of a generator that train knows, one of a held-out shape of a known size too.
    """

    def held_out(generator: str, nodes: int, shape: str) -> Split | None:
        if generator in config.hold_out_generators:
            return "test_generator"
        if 0 < config.hold_out_larger_than < nodes:
            return "test_size"
        return "test_structure" if shape in shapes else None

    known = rows["shape"].to_pylist()
    share = config.hold_out_structures
    shapes = {each for each in set(known) if share and _place(f"{config.seed}:shape:{each}") < share}
    columns = (rows["generator"].to_pylist(), rows["num_nodes"].to_pylist(), known)
    return [held_out(*row) for row in zip(*columns, strict=True)]


def _place(text: str) -> float:
    """A number from 0 to 1 that looks drawn at random, the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def _check_held_out(splits: Sequence[Split | None], rows: pa.Table, config: DatasetConfig) -> None:
    if config.extends:  # the base has rows in all of them
        return
    generators = pc.unique(rows["generator"]).to_pylist()
    for generator in config.hold_out_generators:
        if generator not in generators:
            raise ConfigError(
                f"no example is of the generator '{generator}'; there are {', '.join(sorted(generators))}"
            )
    if "test_size" in config.splits and "test_size" not in splits:
        raise ConfigError(
            f"no example that is left has more than {config.hold_out_larger_than} nodes, "
            f"the largest has {pc.max(rows['num_nodes'])}: give a smaller --hold-out-larger-than"
        )
    if "test_structure" in config.splits and "test_structure" not in splits:
        raise ConfigError(
            f"none of the {len(pc.unique(rows['shape']))} tree shapes is held out: "
            "give --hold-out-structures a larger share"
        )


Balance = dict[str, dict[str, int]]


def balance(splits: Sequence[str], labels: Sequence[int], config: DatasetConfig) -> Balance:
    """How many examples of each class each split holds: `{"train": {"nonelementary": 80, "elementary": 40}, ...}`.

    A split that is held out is there if it has any.
    """
    counts = Counter(zip(splits, labels, strict=True))
    return {
        split: {name: counts[split, label] for label, name in enumerate(config.class_names)}
        for split in config.splits
        if split in RANDOM_SPLITS or split in splits
    }


_ROOM: Final[Mapping[str, str]] = {
    "train": "integrate more functions, or hold out less",
    "validation": "integrate more functions, or give --validation-fraction more room",
    "test": "integrate more functions, or give --test-fraction more room",
}


def check_balance(balance: Balance) -> None:
    """Raise ConfigError with all counts if a random split lacks a class; a held-out one may, such as a generator's."""
    for split in RANDOM_SPLITS:
        for name, count in balance[split].items():
            if count == 0:
                there_is = "; ".join(
                    f"{split} {', '.join(f'{number} {kind}' for kind, number in kinds.items())}"
                    for split, kinds in balance.items()
                )
                raise ConfigError(f"the {split} split has no example that is '{name}' ({there_is}): {_ROOM[split]}")
