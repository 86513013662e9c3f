"""What a trial says: the `name=value` lines of its log, and the manifest of its model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from intclass.components.shared.manifest import is_complete, read_manifest

_PAIR: Final = re.compile(r"([A-Za-z_]\w*)=([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?=\s|$)")
_ERROR: Final = "error: "


def numbers_in(line: str) -> dict[str, float]:
    """The numbers of a line that consists of `name=value`, else none."""
    pairs = _PAIR.findall(line)
    return {name: float(value) for name, value in pairs} if len(pairs) == len(line.split()) else {}


def final_metrics(model: str | Path) -> dict[str, float] | None:
    """The numbers of a finished training, or None if it has not come to its end."""
    if not is_complete(model):
        return None
    manifest = read_manifest(model)
    counts = {name: float(manifest.counts[name]) for name in ("parameters", "epochs", "best_epoch")}
    return {**manifest.stats, **counts}


def error_in(log: Path) -> str:
    """The reason that the log ends with, or its last line."""
    return error_among(log.read_text(errors="replace").splitlines() if log.exists() else [])


def error_among(lines: Sequence[str]) -> str:
    """The last line that tells an error, or the last line."""
    errors = [line for line in lines if line.startswith(_ERROR)]
    return (errors or lines or ["no output"])[-1].removeprefix(_ERROR)
