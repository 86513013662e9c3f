from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from intclass.components.integrate import _journal, _lease
from intclass.components.integrate._journal import SUFFIX, decode_lines, encode_line, open_journal
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, StorageError

ENTRIES = {f"key{n}": {"label": "unknown", "text": "é\n" * n, "seconds": n / 7} for n in range(20)}


def _write(folder: str, entries: dict[str, dict[str, object]], name: str = "shard") -> None:
    with open_journal(folder, name) as journal:
        for key, entry in entries.items():
            journal.append(key, entry)


def _read(folder: str, name: str = "shard") -> dict[str, dict[str, object]]:
    with open_journal(folder, name) as journal:
        return journal.entries


def test_what_was_written_is_read_by_the_next(storage_root: str) -> None:
    assert _read(storage_root) == {}
    _write(storage_root, ENTRIES)
    assert _read(storage_root) == ENTRIES


def test_many_interrupted_runs_add_up(storage_root: str) -> None:
    items = list(ENTRIES.items())
    for start in range(0, len(items), 4):
        _write(storage_root, dict(items[start : start + 4]))
    assert _read(storage_root) == ENTRIES


def test_the_last_entry_of_a_key_counts(storage_root: str) -> None:
    _write(storage_root, {"a": {"n": 1}})
    _write(storage_root, {"a": {"n": 2}})
    assert _read(storage_root) == {"a": {"n": 2}}


def test_journals_of_different_names_are_apart(storage_root: str) -> None:
    _write(storage_root, {"a": {"n": 1}}, name="one")
    assert _read(storage_root, name="two") == {}


def test_a_discarded_journal_leaves_nothing(storage_root: str) -> None:
    with open_journal(storage.join(storage_root, "journal"), "shard") as journal:
        journal.append("a", {"n": 1})
        journal.discard()
    assert storage.list_files(storage_root) == []
    assert not Path(storage_root, "journal").exists()


def test_discarding_leaves_the_journals_of_others(storage_root: str) -> None:
    _write(storage_root, ENTRIES, name="other")
    with open_journal(storage_root, "shard") as journal:
        journal.discard()
    assert _read(storage_root, name="other") == ENTRIES


@pytest.mark.parametrize("cut", [2, 7, 40, 100])
def test_a_torn_last_line_is_as_if_never_written(tmp_path: Path, cut: int) -> None:
    _write(str(tmp_path), ENTRIES)
    path = tmp_path / f"shard{SUFFIX}"
    path.write_bytes(path.read_bytes()[:-cut])
    left = _read(str(tmp_path))
    assert left == {key: ENTRIES[key] for key in left}
    assert len(left) == len(ENTRIES) - 1
    _write(str(tmp_path), ENTRIES)
    assert _read(str(tmp_path)) == ENTRIES


def test_every_torn_beginning_is_read_as_far_as_it_goes() -> None:
    data = b"".join(encode_line(key, entry) for key, entry in list(ENTRIES.items())[:3])
    ends = [index + 1 for index, byte in enumerate(data) if byte == ord("\n")]
    for length in range(len(data)):
        whole = sum(length >= end - 1 for end in ends)  # the last newline itself may be missing
        assert len(decode_lines(data[:length])) == whole


def test_a_damaged_line_costs_that_line_alone(tmp_path: Path) -> None:
    _write(str(tmp_path), ENTRIES)
    path = tmp_path / f"shard{SUFFIX}"
    lines = path.read_bytes().split(b"\n")
    lines[5] = lines[5].replace(b"unknown", b"element")
    path.write_bytes(b"\n".join(lines))
    assert _read(str(tmp_path)) == {key: entry for key, entry in ENTRIES.items() if key != "key5"}


def test_a_journal_belongs_to_one_process_at_a_time(storage_root: str, quick_lease: None) -> None:
    with open_journal(storage_root, "shard") as journal:
        journal.append("a", {"n": 1})
        with pytest.raises(ConfigError, match="another process is working on this journal; wait for it or stop it"):
            open_journal(storage_root, "shard")
    _write(storage_root, {"b": {"n": 2}})
    assert _read(storage_root) == {"a": {"n": 1}, "b": {"n": 2}}


OWNER = """
import sys
from intclass.components.integrate import _lease
from intclass.components.integrate._journal import open_journal
_lease.RENEW_SECONDS = float(sys.argv[2])
journal = open_journal(sys.argv[1], "shard")
journal.append("a", {"n": 1})
print("open", flush=True)
sys.stdin.read()
journal.close()
"""


def test_another_process_is_refused_until_the_owner_ends_however_it_does(storage_root: str, quick_lease: None) -> None:
    command = [sys.executable, "-c", OWNER, storage_root, str(_lease.RENEW_SECONDS)]
    for end in ("closes", "is killed"):
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "open\n"
            with pytest.raises(ConfigError, match="another process is working"):
                open_journal(storage_root, "shard")
            if end == "is killed":
                owner.kill()
        assert _read(storage_root) == {"a": {"n": 1}}


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        open_journal(tmp_path / "file" / "journal", "shard")


def test_a_sigkill_loses_no_line_that_was_appended(tmp_path: Path) -> None:
    script = """
import sys
from intclass.components.integrate._journal import open_journal
journal = open_journal(sys.argv[1], "shard")
for n in range(10**6):
    journal.append(str(n), {"n": n})
    print(n, flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        for _ in range(500):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        printed = [line for line in process.stdout.read().splitlines(keepends=False) if line]
    last = int(printed[-1]) if printed else 499
    assert {str(n) for n in range(last)} <= set(_read(str(tmp_path)))


def test_objects_gather_lines_for_a_while(gs_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_journal(gs_root, "shard") as journal:
        for key, entry in ENTRIES.items():
            journal.append(key, entry)
        assert storage.list_files(storage.join(gs_root, "shard")) == []
        monkeypatch.setattr(_journal, "SEGMENT_SECONDS", 0.0)
        journal.append("last", {"n": 1})
        assert len(storage.list_files(storage.join(gs_root, "shard"))) == 1
    assert len(_read(gs_root)) == len(ENTRIES) + 1


def test_many_objects_become_one(gs_root: str) -> None:
    for key, entry in list(ENTRIES.items())[:5]:
        _write(gs_root, {key: entry})
    assert _read(gs_root) == dict(list(ENTRIES.items())[:5])
    assert len(storage.list_files(gs_root)) == 1
