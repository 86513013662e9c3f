"""What training says as it goes: `name=value` lines for people and for Katib, and the same rows as JSON lines.

What a clock or a counter measured stands in a file of its own, so that equal runs give equal rows.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from intclass.components.finetune.events import write_events

FILE_NAME: Final = "training.jsonl"
MEASURED_FOLDER: Final = "measured"  # no part of what the stage made: the manifest leaves it out
MEASURED_NAME: Final = "epochs.jsonl"


class TrainingLog:
    """Collects rows; each is printed to stdout as `epoch=3 train_loss=0.412 validation_auroc=0.917`.

    Katib's collector takes every `name=value` on stdout as a metric and cannot read nan, so a value that is None (a
    metric that is not defined, as AUROC over one class) is left out.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self.rows: list[dict[str, float]] = []
        self.measured: list[dict[str, float]] = []
        self._silent = silent

    def write(self, **values: float | None) -> None:
        """Print and keep one row."""
        self.write_measured({}, **values)

    def write_measured(self, measured: Mapping[str, float], **values: float | None) -> None:
        """Print and keep one row; `measured` joins it on the line and in its own file."""
        row = {name: value for name, value in values.items() if value is not None}
        self.rows.append(row)
        if measured:
            self.measured.append({**row, **measured})
        if not self._silent:
            line = " ".join(f"{name}={_text(value)}" for name, value in {**row, **measured}.items())
            tqdm.write(line, file=sys.stdout)  # above a progress bar, where there is one
            sys.stdout.flush()

    def state(self) -> dict[str, Any]:
        """All rows, for a checkpoint."""
        return {"rows": self.rows, "measured": self.measured}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take up the rows of a checkpoint in place of those so far."""
        self.rows, self.measured = list(state["rows"]), list(state["measured"])

    def save(self, folder: Path) -> None:
        """Write `training.jsonl` and, in `measured`, `epochs.jsonl` (one row a line) and TensorBoard's events."""
        (folder / FILE_NAME).write_text(_lines(self.rows))
        measured = folder / MEASURED_FOLDER
        measured.mkdir()
        (measured / MEASURED_NAME).write_text(_lines(self.measured))
        write_events(measured, self.measured, ended=time.time())


def _lines(rows: list[dict[str, float]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _text(value: float) -> str:
    """In plain decimals or an exponent with a sign: `1.5e-05`."""
    return str(value) if isinstance(value, int) else f"{value:.5g}"
