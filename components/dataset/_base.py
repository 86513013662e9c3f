"""The dataset that another one extends: what of it stays, and what that means for new rows.

Its examples keep their splits. A new row is new indeed, follows the same rules of splitting, and no near-copy of it is
held out in the base.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from intclass.components.dataset._reading import ScaledForms
from intclass.components.dataset._split import Splits
from intclass.components.dataset.config import DatasetConfig
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.expressions import family, from_prefix
from intclass.components.shared.manifest import Manifest, read_manifest
from intclass.components.shared.records import EXAMPLES, HELD_OUT_SPLITS, read_table

# What decides the split of a function, and what the label means.
_INHERITED: Final = (
    *("target", "solved_within_seconds", "seed", "test_fraction", "validation_fraction"),
    *("hold_out_generators", "hold_out_larger_than", "hold_out_structures"),
)


@dataclass(frozen=True, kw_only=True)
class Base:
    """The dataset that is extended, as it was read."""

    path: str
    manifest: Manifest
    examples: pa.Table

    @classmethod
    def read(cls, path: str | Path) -> Base:
        """The dataset in the folder; raises StorageError, RecordsError, or ConfigError if it is no dataset."""
        manifest = read_manifest(path)
        if manifest.stage != "dataset":
            raise ConfigError(f"extends is {path}, which `intclass {manifest.stage}` wrote; give a dataset's folder")
        return cls(path=str(path), manifest=manifest, examples=read_table(path, EXAMPLES))

    def settle(self, config: DatasetConfig) -> DatasetConfig:
        """The options, with those of the base where they decide what a label means and which split a function is in."""
        inherited = {name: self.manifest.config[name] for name in _INHERITED}
        inherited["hold_out_generators"] = tuple(inherited["hold_out_generators"])
        return replace(config, **inherited)

    def drop_known(self, rows: pa.Table) -> tuple[pa.Table, dict[str, int]]:
        """The rows that the base does not have, and how many it has."""
        known = pc.is_in(rows["fingerprint"], value_set=self.examples["fingerprint"].combine_chunks())
        kept = rows.filter(pc.invert(known))
        return kept, {"known": len(rows) - len(kept)}

    def drop_held_out(self, rows: pa.Table, splits: Splits) -> tuple[pa.Table, Splits, dict[str, int]]:
        """The rows and their splits, without those of random splits that are near-copies of what the base holds out."""
        families = self._held_out_families()
        kept = [
            split in HELD_OUT_SPLITS or family not in families
            for family, split in zip(rows["family"].to_pylist(), splits, strict=True)
        ]
        left = [split for split, keep in zip(splits, kept, strict=True) if keep]
        return rows.filter(pa.array(kept, pa.bool_())), left, {"base_holds_out": len(splits) - len(left)}

    def copies_to_learn_from(self, forms: ScaledForms) -> tuple[str, ...]:
        """The fingerprints of examples in train and validation that are scaled copies of one of those functions."""
        seen = self.examples.filter(pc.is_in(self.examples["split"], value_set=pa.array(("train", "validation"))))
        return tuple(seen.filter(pa.array(forms.mask(seen["prefix"].to_pylist())))["fingerprint"].to_pylist())

    def _held_out_families(self) -> Container[str]:
        held_out = self.examples.filter(pc.is_in(self.examples["split"], value_set=pa.array(HELD_OUT_SPLITS)))
        columns: dict[str, list[Any]] = held_out.select(["skeleton", "prefix"]).to_pydict()
        by_skeleton = dict(zip(columns["skeleton"], columns["prefix"], strict=True))  # one skeleton is one family
        return {family(from_prefix(prefix.split())) for prefix in by_skeleton.values()}
