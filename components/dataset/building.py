"""The stage: outcomes in, examples, data card, report and manifest out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from intclass.components.dataset._base import Base
from intclass.components.dataset._card import CARD_NAME, Facts, data_card
from intclass.components.dataset._encoding import encode_rows
from intclass.components.dataset._labels import check_limit, drop_unlabelled
from intclass.components.dataset._reading import read_hold_outs, read_outcomes, read_scaled_forms
from intclass.components.dataset._report import REPORT_NAME, render_report
from intclass.components.dataset._selection import (
    count_mixed_skeletons,
    drop_duplicates,
    drop_held_out,
    limit_skeletons,
)
from intclass.components.dataset._split import Splits, balance, check_balance, split_rows
from intclass.components.dataset.config import DatasetConfig
from intclass.components.shared import storage
from intclass.components.shared.extension import Extension
from intclass.components.shared.manifest import Manifest, write_manifest
from intclass.components.shared.records import EXAMPLES, LABELS, write_table

_DEFAULT: Final = DatasetConfig()


def build_dataset(
    outcomes: Sequence[str | Path],
    out: str | Path,
    config: DatasetConfig = _DEFAULT,
    *,
    min_success_ratio: float = 1.0,
) -> Manifest:
    """Write `examples.parquet` (records.EXAMPLES), a data card `README.md`, `report.html` and the manifest into `out`.

    `outcomes` are folders that `integrate` wrote, folders of such folders, or Parquet files of records.OUTCOMES; their
    order does not matter. At least the share `min_success_ratio` of the shards of each run must be there. Returns the
    manifest, whose counts say how many rows each rule dropped.

    A dataset that extends another one holds what is new alone, and `base.json`, which names the other:
    `records.read_table` reads both as one.

    Raises ConfigError if a class is empty in the outcomes or in a random split, if a held-out split is empty, or if the
    target asks for more seconds than SymPy had; StorageError, RecordsError or ExpressionError naming the file that
    cannot be read.
    """
    held_out, scaled = read_hold_outs(config.hold_out), read_scaled_forms(config.hold_out_scaled)
    base = Base.read(config.extends) if config.extends else None
    if base:
        config = base.settle(config)
    source = read_outcomes(outcomes, min_success_ratio=min_success_ratio)
    check_limit(config, source.limit_seconds)

    rows, unlabelled = drop_unlabelled(source.table, config)
    rows, repeated = drop_duplicates(rows)
    rows, known = base.drop_known(rows) if base else (rows, {})
    rows, unreadable = encode_rows(rows)
    rows, asked_for = drop_held_out(rows, held_out.families)
    rows, copies = scaled.drop(rows) if config.hold_out_scaled else (rows, {})
    mixed_skeletons = count_mixed_skeletons(rows)
    rows, similar = limit_skeletons(rows, config.max_per_skeleton)
    rows, splits, half = split_rows(rows, config)
    rows, splits, unlike = base.drop_held_out(rows, splits) if base else (rows, splits, {})
    dropped = unlabelled | repeated | known | unreadable | asked_for | copies | similar | half | unlike
    extension = Extension.of(base.path, out, without=base.copies_to_learn_from(scaled)) if base else None

    examples = _examples(rows, splits, config)
    split_balance = balance(splits, examples["label"].to_pylist(), config)
    check_balance(split_balance)
    facts = Facts(
        config=config,
        source=source,
        examples=examples,
        dropped=dropped,
        mixed_skeletons=mixed_skeletons,
        balance=split_balance,
        extension=extension,
        base_examples=len(base.examples) - len(extension.without) if base and extension else 0,
    )
    write_table(out, examples, EXAMPLES, compact=config.compact)
    if extension:
        extension.write(out)
    storage.write_text(storage.join(out, CARD_NAME), data_card(facts))
    storage.write_text(storage.join(out, REPORT_NAME), render_report(facts))
    return write_manifest(
        out,
        "dataset",
        config=config.record(),
        inputs=_numbered("outcomes", source.inputs)
        | _numbered("hold-out", held_out.inputs)
        | _numbered("hold-out-scaled", scaled.inputs)
        | ({"base": extension.fingerprint} if extension else {}),
        counts=_counts(facts),
        stats={"balance": split_balance},
    )


def _numbered(kind: str, fingerprints: Sequence[str]) -> dict[str, str]:
    return {f"{kind}-{number:03}": fingerprint for number, fingerprint in enumerate(fingerprints)}


def _examples(rows: pa.Table, splits: Splits, config: DatasetConfig) -> pa.Table:
    columns = {name: rows[name] for name in EXAMPLES.schema.names if name in rows.column_names}
    columns |= {
        "target": pa.array([config.target] * len(rows), pa.string()),
        "label": rows["class"],
        "outcome": rows["label"],
        "split": pa.array(splits, pa.string()),
    }
    return EXAMPLES.check(pa.table(columns), source="dataset")


def _counts(facts: Facts) -> dict[str, int]:
    splits = {split: sum(classes.values()) for split, classes in facts.balance.items()}
    classes = {name: sum(each[name] for each in facts.balance.values()) for name in facts.config.class_names}
    dropped = {f"dropped_{reason}": count for reason, count in facts.dropped.items()}
    outcomes = Counter(facts.source.table["label"].to_pylist())
    totals = {"outcomes": outcomes.total(), **{f"outcomes_{label}": outcomes[label] for label in LABELS}}
    totals |= {"examples": len(facts.examples)}
    shards = {"missing_shards": facts.source.missing_shards}
    base = (
        {"base_examples": facts.base_examples, "base_left_out": len(facts.extension.without)} if facts.extension else {}
    )
    return totals | classes | splits | dropped | {"mixed_skeletons": facts.mixed_skeletons} | shards | base
