from __future__ import annotations

import multiprocessing
import os
import random
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from intclass.components.shared import storage
from intclass.components.shared.errors import StorageError


class TestEveryStorage:
    """What holds on a disk and on an object store alike."""

    def test_a_written_file_reads_back(self, storage_root: str) -> None:
        path = storage.join(storage_root, "deep", "er", "file.txt")
        storage.write_text(path, "∫ x dx\n")
        assert storage.read_text(path) == "∫ x dx\n"
        assert storage.read_bytes(path) == "∫ x dx\n".encode()

    def test_writing_replaces(self, storage_root: str) -> None:
        path = storage.join(storage_root, "file")
        storage.write_bytes(path, b"a long first version")
        storage.write_bytes(path, b"short")
        assert storage.read_bytes(path) == b"short"
        assert storage.list_files(storage_root) == [path]

    @pytest.mark.parametrize("size", [0, 1, 9_000_000])  # above 8 MB an upload is resumable
    def test_sizes(self, storage_root: str, size: int) -> None:
        path, data = storage.join(storage_root, "file"), random.Random(size).randbytes(size)
        storage.write_bytes(path, data)
        assert storage.read_bytes(path) == data

    def test_exists_for_files_and_folders_with_files(self, storage_root: str) -> None:
        storage.write_text(storage.join(storage_root, "folder", "file"), "")
        assert storage.exists(storage.join(storage_root, "folder", "file"))
        assert storage.exists(storage.join(storage_root, "folder"))
        assert storage.exists(storage_root)
        assert not storage.exists(storage.join(storage_root, "fold"))
        assert not storage.exists(storage.join(storage_root, "folder", "file", "x"))

    def test_list_files_is_sorted_recursive_and_keeps_to_the_folder(self, storage_root: str) -> None:
        for name in ["run/b", "run/a/z", "run-2/x", "run/a.txt"]:
            storage.write_text(storage.join(storage_root, name), name)
        names = [storage.name_below(storage_root, file) for file in storage.list_files(f"{storage_root}/run")]
        assert names == ["run/a.txt", "run/a/z", "run/b"]
        assert storage.list_files(storage.join(storage_root, "nothing")) == []
        assert storage.list_files(storage.join(storage_root, "run", "b")) == []

    @pytest.mark.parametrize("name", ["with space", "ünï∫", "a%2Fb", "a#b?c", ".hidden"])
    def test_unusual_names(self, storage_root: str, name: str) -> None:
        path = storage.join(storage_root, name)
        storage.write_text(path, "x")
        assert storage.list_files(storage_root) == [path]
        assert storage.read_text(path) == "x"

    def test_delete_a_file_leaves_its_neighbours(self, storage_root: str) -> None:
        for name in ["a", "ab", "b/c"]:
            storage.write_text(storage.join(storage_root, name), name)
        storage.delete(storage.join(storage_root, "a"))
        assert storage.list_files(storage_root) == [storage.join(storage_root, name) for name in ["ab", "b/c"]]

    def test_delete_a_folder(self, storage_root: str) -> None:
        for name in ["b/c", "b/d/e", "bb"]:
            storage.write_text(storage.join(storage_root, name), name)
        storage.delete(storage.join(storage_root, "b"))
        assert storage.list_files(storage_root) == [storage.join(storage_root, "bb")]

    def test_delete_what_is_not_there(self, storage_root: str) -> None:
        storage.delete(storage.join(storage_root, "nothing"))
        assert not storage.exists(storage.join(storage_root, "nothing"))

    def test_copy_folder(self, storage_root: str) -> None:
        for name in ["from/a", "from/b/c"]:
            storage.write_text(storage.join(storage_root, name), name)
        written = storage.copy_folder(storage.join(storage_root, "from"), storage.join(storage_root, "to"))
        assert written == [storage.join(storage_root, "to", name) for name in ["a", "b/c"]]
        assert [storage.read_text(file) for file in written] == ["from/a", "from/b/c"]

    def test_copy_an_empty_folder_is_refused(self, storage_root: str) -> None:
        with pytest.raises(StorageError, match="nothing: no such folder, or nothing in it"):
            storage.copy_folder(storage.join(storage_root, "nothing"), storage.join(storage_root, "to"))

    def test_a_missing_file_is_named(self, storage_root: str) -> None:
        path = storage.join(storage_root, "missing.parquet")
        with pytest.raises(StorageError, match=f"^{path}: no such (file|object)"):
            storage.read_bytes(path)

    def test_local_folder_has_the_files(self, storage_root: str) -> None:
        storage.write_text(storage.join(storage_root, "a", "b"), "x")
        with storage.local_folder(storage_root) as folder:
            assert (folder / "a" / "b").read_text() == "x"
        assert folder.exists() == (not storage.is_remote(storage_root))


class TestLocal:
    @pytest.mark.parametrize("spelling", ["./out", "out/", "out", "x/../out", "./x/.././out//"])
    def test_names_below_a_folder_however_it_is_spelt(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "x").mkdir()
        storage.write_text(f"{spelling.rstrip('/')}/a/b", "x")
        assert [storage.name_below(spelling, file) for file in storage.list_files(spelling)] == ["a/b"]
        storage.copy_folder(spelling, "copy")
        assert storage.list_files("copy") == ["copy/a/b"]

    def test_path_objects(self, tmp_path: Path) -> None:
        storage.write_text(tmp_path / "a", "x")
        assert storage.list_files(tmp_path) == [str(tmp_path / "a")]
        assert storage.name_below(tmp_path, tmp_path / "a") == "a"

    def test_an_empty_folder_does_not_exist(self, tmp_path: Path) -> None:
        assert not storage.exists(tmp_path)

    def test_permissions_follow_the_umask(self, tmp_path: Path) -> None:
        before = os.umask(0o027)
        try:
            storage.write_text(tmp_path / "a", "x")
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match=f"{tmp_path}: Is a directory"):
            storage.read_bytes(tmp_path)

    def test_a_file_in_the_way(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        with pytest.raises(StorageError, match=r"file/below: (File exists|Not a directory)"):
            storage.write_text(tmp_path / "file" / "below", "x")

    def test_a_failed_write_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full_disk(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full_disk)
        with pytest.raises(StorageError, match="No space left on device"):
            storage.write_text(tmp_path / "a", "x")
        assert list(tmp_path.iterdir()) == []


class TestPaths:
    @pytest.mark.parametrize(
        ("parts", "joined"),
        [
            (("a", "b"), "a/b"),
            (("a/", "/b/", "c"), "a/b/c"),
            (("/", "b"), "/b"),
            (("/",), "/"),
            (("a", ""), "a"),
            (("gs://bucket", "b"), "gs://bucket/b"),
            (("gs://bucket/a/", "b"), "gs://bucket/a/b"),
            ((Path("a"), "b"), "a/b"),
        ],
    )
    def test_join(self, parts: tuple[str, ...], joined: str) -> None:
        assert storage.join(*parts) == joined

    def test_remote(self) -> None:
        assert storage.is_remote("gs://bucket/x")
        assert not storage.is_remote("/tmp/gs://x")

    def test_a_bucket_that_went_through_pathlib_is_refused(self) -> None:
        with pytest.raises(StorageError, match="pathlib takes a slash from gs://; pass the path as a string"):
            storage.write_text(Path("gs://bucket/x"), "")


class TestBuckets:
    def test_a_path_without_a_bucket(self, gs_root: str) -> None:
        with pytest.raises(StorageError, match="gs:///x: names no bucket; write gs://BUCKET/PATH"):
            storage.read_bytes("gs:///x")

    def test_a_path_without_an_object(self, gs_root: str) -> None:
        with pytest.raises(StorageError, match="gs://intclass: names a bucket and no object in it"):
            storage.write_text("gs://intclass", "x")

    def test_a_missing_bucket(self, gs_root: str) -> None:
        with pytest.raises(StorageError, match=r"^gs://nowhere/x: no such object or bucket$"):
            storage.write_text("gs://nowhere/x", "x")

    def test_a_whole_bucket_lists(self, gs_root: str) -> None:
        path = storage.join(gs_root, "a")
        storage.write_text(path, "x")
        assert path in storage.list_files("gs://intclass")
        assert storage.exists("gs://intclass")

    def test_generations_let_one_of_several_writers_through(self, gs_root: str) -> None:
        path = storage.join(gs_root, "a")
        assert storage.generation(path) == 0
        first = storage.write_generation(path, b"1", replacing=0)
        assert first == storage.generation(path) != 0
        assert storage.write_generation(path, b"2", replacing=0) is None
        second = storage.write_generation(path, b"3", replacing=first or 0)
        assert second not in (None, first)
        assert storage.write_generation(path, b"4", replacing=first or 0) is None
        assert storage.read_bytes(path) == b"3"

    def test_only_the_generation_that_is_meant_is_deleted(self, gs_root: str) -> None:
        path = storage.join(gs_root, "a")
        first = storage.write_generation(path, b"1", replacing=0) or 0
        second = storage.write_generation(path, b"2", replacing=first) or 0
        storage.delete_generation(path, first)
        assert storage.generation(path) == second
        storage.delete_generation(path, second)
        assert not storage.exists(path)
        storage.delete_generation(path, second)

    def test_a_forked_process_makes_its_own_connection(self, gs_root: str) -> None:
        storage.write_text(storage.join(gs_root, "a"), "x")
        parent = storage._client()
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.apply(_read_in_a_fork, [storage.join(gs_root, "a")]) == "x"
            assert pool.apply(_client_id) != id(parent)
        assert storage._client() is parent

    def test_a_service_that_fails_now_and_then_is_asked_again(
        self, start_gcs_emulator: Callable[..., AbstractContextManager[str]]
    ) -> None:
        program = (
            "from intclass.components.shared import storage\n"
            "storage.write_text('gs://intclass/a', 'x')\n"
            "print(storage.read_text('gs://intclass/a'), storage.list_files('gs://intclass'))\n"
            "storage.delete('gs://intclass/a')"
        )
        with start_gcs_emulator("--flaky") as url:
            assert _output(program, STORAGE_EMULATOR_HOST=url) == "x ['gs://intclass/a']\n"

    def test_missing_credentials_say_what_to_do(self) -> None:
        program = (
            "from intclass.components.shared import storage, errors\n"
            "try:\n    storage.read_bytes('gs://bucket/x')\n"
            "except errors.StorageError as error:\n    print(error)"
        )
        output = _output(program, GOOGLE_APPLICATION_CREDENTIALS="/nowhere.json")
        assert output.startswith("gs://bucket/x: no Google Cloud credentials: run `gcloud auth")


def _output(program: str, **environment: str) -> str:
    command = [sys.executable, "-c", program]
    environment |= {"PATH": os.environ["PATH"]}
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout


def _read_in_a_fork(path: str) -> str:
    return storage.read_text(path)


def _client_id() -> int:
    return id(storage._client())


class TestKilledWriters:
    """A writer may be killed at any instant: the file is the old one or the new one, and nothing else shows."""

    def test_killed_between_writing_and_renaming(self, tmp_path: Path) -> None:
        storage.write_text(tmp_path / "file", "old")
        program = (
            "import os, signal, sys\n"
            "from intclass.components.shared import storage\n"
            "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
            "storage.write_bytes(sys.argv[1], b'n' * 1_000_000)"
        )
        result = subprocess.run([sys.executable, "-c", program, str(tmp_path / "file")], check=False)
        assert result.returncode == -signal.SIGKILL
        assert len(list(tmp_path.iterdir())) == 2  # the half-written file is there ...
        assert storage.list_files(tmp_path) == [str(tmp_path / "file")]  # ... and does not show
        assert storage.read_text(tmp_path / "file") == "old"

    def test_killed_at_any_instant(self, storage_root: str) -> None:
        path = storage.join(storage_root, "file")
        program = (
            "import sys\n"
            "from intclass.components.shared import storage\n"
            "while True:\n"
            "    for letter in (b'a', b'b'):\n"
            "        storage.write_bytes(sys.argv[1], letter * 4_000_000)"
        )
        for attempt in range(3):
            writer = subprocess.Popen([sys.executable, "-c", program, path])
            while not storage.exists(path):
                time.sleep(0.01)
            time.sleep(random.Random(attempt).uniform(0, 0.1))
            writer.kill()
            writer.wait()
            assert storage.list_files(storage_root) == [path]
            data = storage.read_bytes(path)
            assert data in (b"a" * 4_000_000, b"b" * 4_000_000)
            storage.delete(path)
