"""A second run of the engines on functions whose labels are known: the outcomes that `ceiling` reads."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Final

from intclass.components.integrate import IntegrateConfig, integrate
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.manifest import Manifest
from intclass.components.shared.records import EXAMPLES, read_table

FUNCTIONS_NAME: Final = "functions.jsonl"


def relabel(dataset: str | Path, out: str | Path, config: IntegrateConfig, *, count: int, seed: int) -> Manifest:
    """Integrate `count` functions of the dataset's test split again, drawn by the seed, into the folder `out`.

    `out` becomes a folder of outcomes as `intclass integrate` writes it.
    Raises ConfigError for a count below 1, and RecordsError, StorageError or EngineUnavailableError as reading and
    `integrate` do.
    """
    if count < 1:
        raise ConfigError(f"count is {count}; it must be at least 1")
    rows = read_table(dataset, EXAMPLES).select(["fingerprint", "canonical", "split"]).to_pylist()
    test = sorted((row["fingerprint"], row["canonical"]) for row in rows if row["split"] == "test")
    drawn = random.Random(seed).sample(test, min(count, len(test)))
    # Without its label, so that the engines have to find it.
    lines = [json.dumps({"id": fingerprint, "integrand": text}) for fingerprint, text in drawn]
    functions = storage.join(out, FUNCTIONS_NAME)
    storage.write_text(functions, "\n".join(lines) + "\n")
    return integrate(functions, out, config)
