from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from intclass.components.integrate import IntegrateConfig, integrate, integrate_shard, persistence
from intclass.components.integrate._journal import FileJournal
from intclass.components.integrate._pool import PoolError
from intclass.components.shared.errors import EngineUnavailableError, RecordsError
from intclass.components.shared.failure import FAILURE_FILE, read_failure
from intclass.components.shared.manifest import is_complete, read_manifest

Fail = Callable[[int, BaseException], list[int]]

CONFIG = IntegrateConfig(engines=("scripted_engine:ScriptedEngine",), workers=1, shard=1, num_shards=2)


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    path = tmp_path / "functions.csv"
    path.write_text("integrand\n" + "".join(f"{n}*x\n" for n in range(1, 9)))
    return path


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Makes each of so many attempts fail at its second row; returns how many rows each attempt found done."""
    monkeypatch.setattr(persistence, "PAUSE_SECONDS", 0.0)
    append = FileJournal.append

    def arrange(times: int, error: BaseException) -> list[int]:
        resumed: list[int] = []

        def fail(journal: FileJournal, key: str, entry: dict[str, object]) -> None:
            if journal not in journals:
                journals.append(journal)
                resumed.append(len(journal.entries))
                rows.append(0)
            rows[-1] += 1
            if len(journals) <= times and rows[-1] == 2:
                raise error
            append(journal, key, entry)

        journals: list[FileJournal] = []
        rows: list[int] = []
        monkeypatch.setattr(FileJournal, "append", fail)
        return resumed

    return arrange


def test_an_error_that_passes_costs_an_attempt(functions: Path, tmp_path: Path, fail: Fail) -> None:
    resumed = fail(2, OSError("stale file handle"))
    counts = integrate_shard(functions, tmp_path / "out", CONFIG)
    assert counts["functions"] == 4
    assert counts == read_manifest(tmp_path / "out").counts
    assert resumed == [0, 1, 2]


def test_a_shard_that_may_fail_says_so_and_ends_well(functions: Path, tmp_path: Path, fail: Fail) -> None:
    out = tmp_path / "out"
    resumed = fail(persistence.ATTEMPTS, PoolError("no processes left"))
    assert integrate_shard(functions, out, CONFIG, may_fail=True) == {"failed_shards": 1}
    assert len(resumed) == persistence.ATTEMPTS
    assert not is_complete(out)
    failure = read_failure(out / FAILURE_FILE)
    assert (failure.error, failure.attempts) == ("PoolError: no processes left", persistence.ATTEMPTS)
    manifest = integrate(functions, out, CONFIG)
    assert (failure.stage, failure.config, failure.inputs) == (manifest.stage, manifest.config, manifest.inputs)
    assert not (out / FAILURE_FILE).exists()
    assert list(manifest.files) == ["outcomes.parquet"]


def test_one_that_must_not_raises_the_last_error(functions: Path, tmp_path: Path, fail: Fail) -> None:
    fail(persistence.ATTEMPTS, PoolError("no processes left"))
    with pytest.raises(PoolError, match="no processes left"):
        integrate_shard(functions, tmp_path / "out", CONFIG)
    assert not (tmp_path / "out" / FAILURE_FILE).exists()


def test_what_meets_every_shard_is_raised_at_once(functions: Path, tmp_path: Path, fail: Fail) -> None:
    absent = IntegrateConfig(engines=("hostile_engines:TwoFacedEngine",), workers=1)
    with pytest.raises(EngineUnavailableError):
        integrate_shard(functions, tmp_path / "out", absent, may_fail=True)
    functions.write_text("function\nx\n")
    with pytest.raises(RecordsError):
        integrate_shard(functions, tmp_path / "out", CONFIG, may_fail=True)


def test_an_interrupted_shard_is_no_failed_one(functions: Path, tmp_path: Path, fail: Fail) -> None:
    fail(1, SystemExit(143))
    with pytest.raises(SystemExit):
        integrate_shard(functions, tmp_path / "out", CONFIG, may_fail=True)
    assert not (tmp_path / "out" / FAILURE_FILE).exists()
