"""What a stage's folder is: which stage made it, from what, with which options, and what lies in it.

The manifest is written last, so a folder that has one is complete. It holds no time of day: the same inputs and
options give the same manifest, apart from measured seconds under `stats`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from intclass.components.shared import storage
from intclass.components.shared.errors import RecordsError

FILE_NAME: Final = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A stage's folder in one page: `files` maps each file's name to its SHA-256."""

    stage: str
    program: str  # intclass and its version
    config: Mapping[str, Any]
    inputs: Mapping[str, str] = field(default_factory=dict)  # name -> fingerprint of the folder read
    files: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    stats: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """16 hex digits over what was made, whatever the time it took."""
        text = json.dumps([self.stage, self.files, self.config, self.inputs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def program_version() -> str:
    """`intclass VERSION`, also from a source tree that was never installed."""
    try:
        return f"intclass {version('intclass')}"
    except PackageNotFoundError:
        return "intclass (source tree)"


def write_manifest(
    folder: str | Path,
    stage: str,
    *,
    config: Mapping[str, Any],
    inputs: Mapping[str, str] | None = None,
    counts: Mapping[str, int] | None = None,
    stats: Mapping[str, Any] | None = None,
    ignore: Collection[str] = (),
) -> Manifest:
    """Hash every file in the folder, write `manifest.json` last, and return it.

    Files and folders directly below it that `ignore` names, such as a journal, are no part of what the stage made.
    """
    files = {
        name: hashlib.sha256(storage.read_bytes(storage.join(folder, name))).hexdigest()
        for name in (storage.name_below(folder, file) for file in storage.list_files(folder))
        if name.partition("/")[0] not in {FILE_NAME, *ignore}
    }
    manifest = Manifest(
        stage=stage,
        program=program_version(),
        config=dict(config),
        inputs=dict(inputs or {}),
        files=files,
        counts=dict(counts or {}),
        stats=dict(stats or {}),
    )
    storage.write_text(storage.join(folder, FILE_NAME), json.dumps(asdict(manifest), indent=2, sort_keys=True) + "\n")
    return manifest


def read_manifest(folder: str | Path) -> Manifest:
    """The folder's manifest; raises StorageError if there is none, RecordsError if it is not one."""
    path = storage.join(folder, FILE_NAME)
    try:
        return Manifest(**json.loads(storage.read_text(path)))
    except (ValueError, TypeError) as error:
        raise RecordsError(f"{path}: not a manifest: {error}") from error


def is_complete(folder: str | Path) -> bool:
    """Whether the folder has a manifest, that is, whether the stage that wrote it came to its end."""
    return storage.exists(storage.join(folder, FILE_NAME))
