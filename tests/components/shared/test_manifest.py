from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from intclass.components.shared import storage
from intclass.components.shared.errors import RecordsError, StorageError
from intclass.components.shared.manifest import is_complete, program_version, read_manifest, write_manifest


def test_a_manifest_comes_back_as_it_was_written(storage_root: str) -> None:
    storage.write_text(storage.join(storage_root, "functions.parquet"), "rows")
    storage.write_text(storage.join(storage_root, "logs/manifest.json"), "a file like any other")
    written = write_manifest(
        storage_root,
        "generate",
        config={"count": 3, "internal_nodes": [3, 7]},
        inputs={"grammar": "abc"},
        counts={"functions": 3},
        stats={"seconds": 0.5},
    )
    assert written == read_manifest(storage_root)
    assert written.stage == "generate"
    assert written.program == program_version()
    assert written.files == {
        "functions.parquet": hashlib.sha256(b"rows").hexdigest(),
        "logs/manifest.json": hashlib.sha256(b"a file like any other").hexdigest(),
    }


def test_a_folder_is_complete_once_it_has_its_manifest(storage_root: str) -> None:
    storage.write_text(storage.join(storage_root, "functions.parquet"), "rows")
    assert not is_complete(storage_root)
    write_manifest(storage_root, "generate", config={})
    assert is_complete(storage_root)


def test_writing_again_changes_nothing(storage_root: str) -> None:
    storage.write_text(storage.join(storage_root, "a"), "rows")
    first = write_manifest(storage_root, "generate", config={"seed": 1})
    data = storage.read_bytes(storage.join(storage_root, "manifest.json"))
    assert write_manifest(storage_root, "generate", config={"seed": 1}) == first
    assert storage.read_bytes(storage.join(storage_root, "manifest.json")) == data


def test_what_is_ignored_is_no_part_of_it(storage_root: str) -> None:
    for name in ("table.parquet", "journal/one", "journal/deep/two", "journals"):
        storage.write_text(storage.join(storage_root, name), name)
    manifest = write_manifest(storage_root, "integrate", config={}, ignore=["journal"])
    assert sorted(manifest.files) == ["journals", "table.parquet"]


def test_the_folder_may_be_spelt_in_any_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    storage.write_text("out/a/b", "x")
    for spelling in ("./out", "out/", tmp_path / "out", "out/../out"):
        assert list(write_manifest(spelling, "generate", config={}).files) == ["a/b"]


class TestFingerprint:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "a").write_text("rows")
        return tmp_path

    def test_is_sixteen_hex_digits(self, folder: Path) -> None:
        fingerprint = write_manifest(folder, "generate", config={}).fingerprint
        assert len(fingerprint) == 16
        int(fingerprint, 16)

    def test_ignores_what_was_measured(self, folder: Path) -> None:
        fast = write_manifest(folder, "generate", config={}, stats={"seconds": 1})
        slow = write_manifest(folder, "generate", config={}, stats={"seconds": 9})
        assert fast.fingerprint == slow.fingerprint

    def test_changes_with_stage_config_inputs_and_files(self, folder: Path) -> None:
        seen = {
            write_manifest(folder, "generate", config={}).fingerprint,
            write_manifest(folder, "integrate", config={}).fingerprint,
            write_manifest(folder, "generate", config={"seed": 1}).fingerprint,
            write_manifest(folder, "generate", config={}, inputs={"a": "b"}).fingerprint,
        }
        (folder / "a").write_text("other rows")
        seen.add(write_manifest(folder, "generate", config={}).fingerprint)
        assert len(seen) == 5


class TestRefusals:
    def test_a_folder_without_a_manifest(self, storage_root: str) -> None:
        with pytest.raises(StorageError, match=f"^{storage_root}/manifest.json: no such "):
            read_manifest(storage_root)

    @pytest.mark.parametrize(
        "text", ["", "[]", "7", "{}", '{"stage": "generate"}', json.dumps({"stage": "a", "program": "b", "color": 1})]
    )
    def test_a_file_that_is_no_manifest(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(RecordsError, match=f"^{tmp_path}/manifest.json: not a manifest: "):
            read_manifest(tmp_path)
