"""`python -m intclass.components.shared.probe gs://BUCKET`: whether this process may use a bucket; `doctor` runs it."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from intclass.components.shared import storage
from intclass.components.shared.command import run
from intclass.components.shared.errors import StorageError


def probe(place: str, *, write: bool = True) -> str:
    """Use the folder as a stage would, and say what went well; raises StorageError with what did not."""
    folder = storage.join(place, "tmp", f"intclass-doctor-{uuid.uuid4().hex}")
    storage.list_files(folder)
    if not write:
        return f"lists {place}"
    path, data = storage.join(folder, "probe"), b"intclass doctor"
    storage.write_bytes(path, data)
    if storage.read_bytes(path) != data:
        raise StorageError(f"{path}: what was read is not what was written")
    storage.delete(path)
    return f"lists, writes, reads and deletes in {place}"


def main(
    place: Annotated[str, typer.Argument(metavar="gs://BUCKET", help="The bucket, or a folder in it.")],
    write: Annotated[bool, typer.Option("--write/--read-only", help="Whether to write too.")] = True,
) -> None:
    """Use a bucket as a stage would, and say whether that went well."""
    typer.echo(probe(place, write=write))


if __name__ == "__main__":
    run(main)
