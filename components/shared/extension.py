"""A dataset that extends another one: it holds what is new alone, and names what it is built upon.

`base.json` beside a table of examples says where the other dataset lies, seen from this one, which build of it is
meant, and which of its examples do not come along.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from intclass.components.shared import storage
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.manifest import read_manifest

FILE_NAME: Final = "base.json"


@dataclass(frozen=True, kw_only=True)
class Extension:
    """The dataset that another one extends: its path, its manifest's fingerprint, and the
    fingerprints of the functions that are left out.
    """

    base: str
    fingerprint: str
    without: tuple[str, ...] = ()

    @classmethod
    def of(cls, base: str | Path, folder: str | Path, *, without: tuple[str, ...]) -> Self:
        """That the dataset in `folder` extends the one in `base`; a local path is kept as seen from the folder."""
        seen = str(base) if storage.is_remote(base) else os.path.relpath(base, folder)
        return cls(base=seen, fingerprint=read_manifest(base).fingerprint, without=without)

    @classmethod
    def read(cls, folder: str | Path) -> Self | None:
        """What the dataset in the folder extends, if it does; raises RecordsError if that cannot be read."""
        path = storage.join(folder, FILE_NAME)
        if not storage.exists(path):
            return None
        try:
            fields = json.loads(storage.read_text(path))
            return cls(**{**fields, "without": tuple(fields["without"])})
        except (ValueError, TypeError, KeyError) as error:
            raise RecordsError(f"{path}: does not name a dataset: {error}") from error

    def write(self, folder: str | Path) -> None:
        """Write `base.json`."""
        storage.write_text(storage.join(folder, FILE_NAME), json.dumps(asdict(self), indent=1) + "\n")

    def find(self, folder: str | Path) -> str:
        """Where the other dataset lies, as seen from here; raises RecordsError if it is another build than was meant.

        Raises StorageError if it is not there.
        """
        path = self.base if storage.is_remote(self.base) else storage.join(folder, self.base)
        found = read_manifest(path).fingerprint
        if found != self.fingerprint:
            raise RecordsError(
                f"{folder}: extends build {self.fingerprint} of {self.base}, but build {found} is there; "
                "extend that one anew"
            )
        return path
