"""Local paths and gs:// behind one small interface, so that no stage knows where its files lie.

A path is a string or a `pathlib.Path`. Every write is whole or not at all: a reader, or a restarted pod, never sees
half a file. Objects go through google-cloud-storage, which honours STORAGE_EMULATOR_HOST and the pod's own identity.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from intclass.components.shared.errors import StorageError

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Client

GCS_SCHEME = "gs://"


def is_remote(path: str | Path) -> bool:
    """Whether the path is an object store's, not this machine's.

    Raises StorageError for a gs:// path that went through `pathlib`, which makes gs:/ of it.
    """
    text = str(path)
    if text.startswith("gs:/") and not text.startswith(GCS_SCHEME):
        raise StorageError(f"{text}: pathlib takes a slash from gs://; pass the path as a string")
    return text.startswith(GCS_SCHEME)


def join(path: str | Path, *parts: str) -> str:
    """Path and parts with single slashes between them, for both kinds of path."""
    return "/".join([str(path).rstrip("/"), *filter(None, (part.strip("/") for part in parts))]) or "/"


def name_below(folder: str | Path, file: str | Path) -> str:
    """The file's name as seen from the folder, `checkpoints/1/model.bin`: how a folder names what lies in it."""
    if is_remote(folder):
        return str(file).removeprefix(str(folder).rstrip("/") + "/")
    return Path(file).relative_to(folder).as_posix()


def exists(path: str | Path) -> bool:
    """Whether a file, an object, or a folder with at least one file in it is there."""
    if not is_remote(path):
        return Path(path).is_file() or bool(list_files(path))
    with _explained(path):
        is_object = bool(_bucket_and_name(path)[1]) and _blob(path).exists()
        return bool(is_object) or next(_blobs(path), None) is not None


def list_files(path: str | Path) -> list[str]:
    """The full paths of all files below the folder, sorted; empty if there is no such folder."""
    if is_remote(path):
        with _explained(path):
            bucket = _bucket_and_name(path)[0]
            return sorted(f"{GCS_SCHEME}{bucket}/{blob.name}" for blob in _blobs(path))
    return sorted(str(file) for file in Path(path).rglob("*") if file.is_file() and not _is_partial(file))


def read_bytes(path: str | Path) -> bytes:
    """The whole file; raises StorageError, naming the path, if it cannot be read."""
    with _explained(path):
        return bytes(_blob(path).download_as_bytes()) if is_remote(path) else Path(path).read_bytes()


def read_text(path: str | Path) -> str:
    """The whole file as UTF-8 text."""
    return read_bytes(path).decode()


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write the file so that it is there whole or not at all; makes the folders above it."""
    with _explained(path):
        if is_remote(path):
            _blob(path).upload_from_string(data)  # an object appears only when its upload is complete
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{uuid.uuid4().hex}{_PARTIAL}")
        try:
            with partial.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # a rename that outlives its data would leave an empty file after a crash
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    write_bytes(path, text.encode())


def delete(path: str | Path) -> None:
    """Delete a file or everything below a folder; nothing happens if it is not there."""
    with _explained(path):
        if is_remote(path):
            for blob in [*_blobs(path), *([_blob(path)] if _bucket_and_name(path)[1] else [])]:
                _delete_blob(blob)
        elif Path(path).is_dir():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)


def generation(path: str) -> int:
    """A number that every write of the object changes, or 0 if there is no such object. For gs:// alone."""
    from google.api_core.exceptions import NotFound

    with _explained(path):
        blob = _blob(path)
        try:
            blob.reload()
        except NotFound:
            return 0
        return int(blob.generation)


def write_generation(path: str, data: bytes, *, replacing: int) -> int | None:
    """Write the object if it still has the generation `replacing` (0: if there is none) and return its new one.

    Returns None, and writes nothing, if another process was faster. For gs:// alone.
    """
    from google.api_core.exceptions import PreconditionFailed

    with _explained(path):
        blob = _blob(path)
        try:
            blob.upload_from_string(data, if_generation_match=replacing)
        except PreconditionFailed:
            return None
        return int(blob.generation)


def delete_generation(path: str, generation: int) -> None:
    """Delete the object if it still has that generation. For gs:// alone."""
    from google.api_core.exceptions import NotFound, PreconditionFailed

    with _explained(path), contextlib.suppress(NotFound, PreconditionFailed):
        _blob(path).delete(if_generation_match=generation)


def copy_folder(source: str | Path, destination: str | Path) -> list[str]:
    """Copy every file below `source` to the same place below `destination`; returns the paths written.

    Raises StorageError if there is nothing to copy.
    """
    files = list_files(source)
    if not files:
        raise StorageError(f"{source}: no such folder, or nothing in it")
    targets = [join(destination, name_below(source, file)) for file in files]
    for file, target in zip(files, targets, strict=True):
        write_bytes(target, read_bytes(file))
    return targets


@contextlib.contextmanager
def local_folder(path: str | Path) -> Iterator[Path]:
    """A local folder with the files of `path`: the folder itself, or a temporary copy of a remote one."""
    if not is_remote(path):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="intclass-") as temporary:
        copy_folder(path, temporary)
        yield Path(temporary)


_PARTIAL = ".partial"


def _is_partial(file: Path) -> bool:
    return file.name.startswith(".") and file.name.endswith(_PARTIAL)


@cache
def _client() -> Client:
    from google.cloud.storage import Client

    return Client()


# A forked process must not talk over its parent's sockets.
os.register_at_fork(after_in_child=_client.cache_clear)


def _bucket_and_name(path: str | Path) -> tuple[str, str]:
    bucket, _, name = str(path).removeprefix(GCS_SCHEME).partition("/")
    if not bucket:
        raise StorageError(f"{path}: names no bucket; write gs://BUCKET/PATH")
    return bucket, name


def _blob(path: str | Path) -> Blob:
    bucket, name = _bucket_and_name(path)
    if not name:
        raise StorageError(f"{path}: names a bucket and no object in it; write gs://BUCKET/PATH")
    # client.bucket() sends no request: reading objects needs no right to read the bucket itself.
    return _client().bucket(bucket).blob(name)


def _blobs(path: str | Path) -> Iterator[Blob]:
    bucket, name = _bucket_and_name(path)
    prefix = f"{name.rstrip('/')}/" if name else ""
    blobs = _client().list_blobs(bucket, prefix=prefix)
    yield from (blob for blob in blobs if not blob.name.endswith("/"))  # the console's mark of an empty folder


def _delete_blob(blob: Blob) -> None:
    from google.api_core.exceptions import NotFound

    with contextlib.suppress(NotFound):  # gone already, or deleted by a first try whose answer was lost
        blob.delete()


@contextlib.contextmanager
def _explained(path: str | Path) -> Iterator[None]:
    """Turn the many errors of disks and object stores into one that names the path."""
    try:
        yield
    except StorageError:
        raise
    except FileNotFoundError as error:
        raise StorageError(f"{path}: no such file") from error
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error
    except Exception as error:
        if type(error).__module__.startswith(("google.", "requests.", "urllib3.")):
            raise StorageError(f"{path}: {_remote_reason(error)}") from error
        raise


def _remote_reason(error: Exception) -> str:
    from google.api_core.exceptions import NotFound
    from google.auth.exceptions import DefaultCredentialsError

    if isinstance(error, NotFound):
        return "no such object or bucket"
    if isinstance(error, DefaultCredentialsError):
        return f"no Google Cloud credentials: run `gcloud auth application-default login` ({error})"
    return f"{type(error).__name__}: {error}"
