"""What training says as it goes: `name=value` lines for people and for Katib, and the same rows as JSON lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from tqdm import tqdm

FILE_NAME: Final = "training.jsonl"


class TrainingLog:
    """Collects rows; each is printed to stdout as `epoch=3 train_loss=0.412 validation_auroc=0.917`.

    Katib's collector takes every `name=value` on stdout as a metric and cannot read nan, so a value that is None (a
    metric that is not defined, as AUROC over one class) is left out.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def write(self, **values: float | None) -> None:
        """Print and keep one row."""
        row = {name: value for name, value in values.items() if value is not None}
        self.rows.append(row)
        line = " ".join(f"{name}={_text(value)}" for name, value in row.items())
        tqdm.write(line, file=sys.stdout)  # above a progress bar, where there is one
        sys.stdout.flush()

    def save(self, folder: Path) -> None:
        """Write `training.jsonl`: one row a line; no times, so that equal runs give equal files."""
        (folder / FILE_NAME).write_text("".join(json.dumps(row) + "\n" for row in self.rows))


def _text(value: float) -> str:
    """In plain decimals or an exponent with a sign: `1.5e-05`."""
    return str(value) if isinstance(value, int) else f"{value:.5g}"
