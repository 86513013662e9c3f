"""The stage: distinct functions, first index first, until there are as many as were asked for."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Final

from intclass.components.generate._blocks import Source
from intclass.components.generate._selection import Selection
from intclass.components.generate._words import BLOCK_LENGTH
from intclass.components.generate._workers import draw_blocks
from intclass.components.generate.config import GenerateConfig
from intclass.components.shared import storage
from intclass.components.shared.cores import available_cores
from intclass.components.shared.grammar import load
from intclass.components.shared.manifest import FILE_NAME, Manifest, write_manifest
from intclass.components.shared.progress import Progress
from intclass.components.shared.records import FUNCTIONS, write_table

GRAMMAR_FILE: Final = "grammar.yaml"


def generate(out: str | Path, config: GenerateConfig) -> Manifest:
    """Draw `config.count` distinct functions into a folder: functions.parquet, grammar.yaml and manifest.json.

    The table depends on the grammar, the families, the range of internal nodes, the seed and the indices alone. Counts
    in the manifest: `rows`; `drawn`, everything drawn for the indices used; `duplicates`; `refused_...` for each kind
    of junk; `drawn_...` and `rows_...` for each family; `elementary` and `nonelementary`, rows whose label is known by
    construction; `next_index`, where a later run goes on. Raises ConfigError when there are too
    few functions of these sizes, GrammarError, StorageError.
    """
    grammar = load(config.grammar)
    source = Source(grammar=grammar, seed=config.seed, internal_nodes=config.internal_nodes, families=config.families)
    storage.delete(storage.join(out, FILE_NAME))  # a folder with a manifest is complete
    started = time.monotonic()
    selection = _select(source, config)
    seconds = time.monotonic() - started
    write_table(out, selection.table(), FUNCTIONS)
    storage.write_text(storage.join(out, GRAMMAR_FILE), grammar.to_yaml())
    return write_manifest(
        out,
        "generate",
        config=config.record(),
        inputs={"grammar": grammar.fingerprint},
        counts=selection.counts,
        stats={"seconds": round(seconds, 3), "functions_per_second": round(config.count / seconds, 1)},
    )


def _select(source: Source, config: GenerateConfig) -> Selection:
    selection = Selection(source=source, wanted=config.count, start_index=config.start_index)
    first = config.start_index // BLOCK_LENGTH
    with (
        Progress("generate", total=config.count) as progress,
        contextlib.closing(draw_blocks(source, first=first, workers=_useful_workers(config))) as blocks,
    ):
        while selection.rows < config.count:
            rows, duplicates = selection.rows, selection.duplicates
            selection.take(next(blocks))
            progress.update(selection.rows - rows, duplicates=selection.duplicates - duplicates)
    return selection


def _useful_workers(config: GenerateConfig) -> int:
    """As many as were asked for, but not more than there are blocks to draw."""
    return min(config.workers or available_cores(), 1 + (config.count - 1) // BLOCK_LENGTH)
