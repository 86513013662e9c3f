"""A shard that was given up: a file where its table would lie, so that what reads the others knows of it, and why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from intclass.components.shared import storage
from intclass.components.shared.errors import RecordsError

FAILURE_FILE: Final = "failed.json"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What was tried, as a manifest would say it, and the error of the last attempt."""

    stage: str
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    error: str
    attempts: int


def write_failure(folder: str | Path, failure: Failure) -> None:
    """Write `failed.json` into the folder."""
    storage.write_text(storage.join(folder, FAILURE_FILE), json.dumps(asdict(failure), indent=2, sort_keys=True) + "\n")


def read_failure(path: str | Path) -> Failure:
    """The failure that the file tells of; raises RecordsError if it does not."""
    try:
        return Failure(**json.loads(storage.read_text(path)))
    except (ValueError, TypeError) as error:
        raise RecordsError(f"{path}: not the record of a failed shard: {error}") from error
