"""The data card: a Hugging Face dataset card written from the run's own numbers, with no date and no path in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from intclass.components.dataset import _tables as tables
from intclass.components.dataset._card_text import (
    COLUMNS,
    DROPPED,
    EXTENDS,
    HELD_OUT,
    LEFT_OUT,
    LIMITS,
    QUESTIONS,
    SPLITS,
    TAGS,
)
from intclass.components.dataset._reading import Source
from intclass.components.dataset._split import Balance
from intclass.components.dataset.config import DatasetConfig
from intclass.components.shared.extension import Extension
from intclass.components.shared.manifest import program_version
from intclass.components.shared.records import EXAMPLES

CARD_NAME: Final = "README.md"
TEMPLATE: Final = Path(__file__).with_name("card.md")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the card tells of a run. `source.table` holds every outcome, `examples` what became of them.

    Where it extends a dataset, `base_examples` of that one stay.
    """

    config: DatasetConfig
    source: Source
    examples: pa.Table
    dropped: Mapping[str, int]
    mixed_skeletons: int
    balance: Balance
    extension: Extension | None = None
    base_examples: int = 0

    @property
    def title(self) -> str:
        """The name that the hub shows."""
        return f"Integrability: {self.config.target}"


def data_card(facts: Facts) -> str:
    """The card as Markdown with YAML front matter; the same facts give the same text."""
    outcomes, config = facts.source.table, facts.config
    body = Template(TEMPLATE.read_text()).substitute(
        title=facts.title,
        examples=f"{len(facts.examples):,}",
        outcomes=f"{len(outcomes):,}",
        question=QUESTIONS[config.target].format(seconds=config.solved_within_seconds),
        program=program_version(),
        extends=_extends(facts),
        columns=_columns(config),
        left_out=f"\n{LEFT_OUT}\n" if config.compact else "",
        held_out=_held_out(config),
        verified=f"{pc.sum(outcomes['verified']).as_py():,}",
        by_origin=tables.outcomes_by(outcomes, "grammar", "generator", "seed"),
        by_internal_nodes=tables.outcomes_by(outcomes, "internal_nodes"),
        reasons=tables.reasons(outcomes),
        engines=tables.engines(outcomes),
        settings=tables.settings(facts.source.configs) or "What they were told was not recorded.",
        selection=_selection(facts),
        mixed_skeletons=f"{facts.mixed_skeletons:,}",
        splits=tables.splits(facts.balance),
        sizes=tables.sizes(facts.examples, config.class_names),
        limits_of_target=LIMITS[config.target].format(unlabelled=_unlabelled(facts)),
        command=command(config),
        inputs="\n".join(f"- `{fingerprint}`" for fingerprint in facts.source.inputs),
    )
    return f"{_front_matter(facts)}\n{body}"


def _front_matter(facts: Facts) -> str:
    data = {
        "license": "cc-by-4.0",
        "pretty_name": facts.title,
        "task_categories": ["text-classification"],
        "size_categories": [_size_category(len(facts.examples))],
        "tags": list(TAGS),
        "configs": [{"config_name": "default", "data_files": EXAMPLES.file_name}],
    }
    return f"---\n{yaml.safe_dump(data, sort_keys=False)}---\n"


def _extends(facts: Facts) -> str:
    """What comes besides, as a paragraph; empty if nothing does."""
    if facts.extension is None:
        return ""
    text = EXTENDS.format(
        base=facts.extension.base,
        fingerprint=facts.extension.fingerprint,
        examples=facts.base_examples,
        without=len(facts.extension.without),
    )
    return f"\n{text}\n"


def _size_category(rows: int) -> str:
    """The hub's own names for sizes: n<1K, 1K<n<10K, ..."""
    names = ["1K", "10K", "100K", "1M", "10M", "100M"]
    over = sum(rows >= 10**power for power in range(3, 9))
    if over == 0:
        return f"n<{names[0]}"
    return f"{names[over - 1]}<n<{names[over]}" if over < len(names) else f"n>{names[-1]}"


def _columns(config: DatasetConfig) -> str:
    negative, positive = config.class_names
    rows = (
        [f"`{field.name}`", str(field.type), COLUMNS[field.name].format(negative=negative, positive=positive)]
        for field in EXAMPLES.schema
    )
    return tables.table(["column", "type", "meaning"], rows)


def _selection(facts: Facts) -> str:
    rows: list[list[object]] = [["outcomes read", len(facts.source.table)]]
    rows += [[f"dropped: {DROPPED[reason]}", count] for reason, count in facts.dropped.items()]
    rows += [["examples", len(facts.examples)]]
    missing = facts.source.missing_shards
    failed = f"\n\nShards of outcomes that failed, whose functions are missing: {missing}." if missing else ""
    return tables.table(["rows", "count"], rows) + failed


def _held_out(config: DatasetConfig) -> str:
    """The test splits besides `test`, in a list."""
    asked = [split for split in config.splits if split in SPLITS]
    if not asked:
        return ""
    said = {
        "generators": " and ".join(config.hold_out_generators),
        "plural": "s" * (len(config.hold_out_generators) > 1),
        "nodes": config.hold_out_larger_than,
        "share": config.hold_out_structures,
    }
    lines = [f"- `{split}`: {SPLITS[split].format(**said)}." for split in asked]
    return "\n".join([HELD_OUT, "", *lines, "", ""])


def _unlabelled(facts: Facts) -> str:
    count, rows = facts.dropped.get("unknown", 0) + facts.dropped.get("sympy_not_asked", 0), len(facts.source.table)
    return f"{count:,} of {rows:,} ({100 * count / rows:.0f} %)"


def command(config: DatasetConfig) -> str:
    """The command that makes the dataset from its outcomes."""
    options = [f"--target {config.target}"]
    if config.target == "solved":
        options += [f"--solved-within {config.solved_within_seconds:g}"]
    options += [f"--test-fraction {config.test_fraction:g}", f"--validation-fraction {config.validation_fraction:g}"]
    options += [f"--max-per-skeleton {config.max_per_skeleton}", *["--hold-out FILE"] * len(config.hold_out)]
    options += ["--hold-out-scaled FILE"] * len(config.hold_out_scaled)
    if config.extends:
        return _spelled([*options, "--extends DATASET", *["--compact"] * config.compact])
    options += [f"--hold-out-generator {generator}" for generator in config.hold_out_generators]
    options += [f"--hold-out-larger-than {config.hold_out_larger_than}"] if config.hold_out_larger_than else []
    options += [f"--hold-out-structures {config.hold_out_structures:g}"] if config.hold_out_structures else []
    options += ["--compact"] if config.compact else []
    return _spelled([*options, f"--seed {config.seed}"])


def _spelled(options: Sequence[str]) -> str:
    return " \\\n    ".join(["intclass dataset OUTCOMES... --out DIR", *options])
