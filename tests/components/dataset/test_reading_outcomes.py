from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intclass.components.dataset._reading import read_hold_outs, read_outcomes
from intclass.components.shared import storage
from intclass.components.shared.errors import ExpressionError, RecordsError, StorageError
from intclass.components.shared.expressions import family, parse
from intclass.components.shared.failure import Failure, write_failure
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import FUNCTIONS, OUTCOMES, write_table

Make = Callable[..., Any]


class TestOutcomes:
    def test_a_folder_a_folder_of_folders_and_a_file(self, storage_root: str, outcomes: Make) -> None:
        rows = outcomes(6)
        write_table(f"{storage_root}/one", rows[4:], OUTCOMES)
        write_table(f"{storage_root}/run/shard-0", rows[2:4], OUTCOMES)
        write_table(f"{storage_root}/run/shard-1", rows[1:2], OUTCOMES)
        write_table(f"{storage_root}/file.parquet", rows[:1], OUTCOMES)
        paths = [f"{storage_root}/{name}" for name in ("one", "run/", "file.parquet")]
        source = read_outcomes(paths)
        assert source.table["id"].to_pylist() == [row["id"] for row in rows]

    def test_the_order_of_paths_and_rows_does_not_matter(self, tmp_path: Path, outcomes: Make, outcome: Make) -> None:
        rows = [*outcomes(8), outcome("x", generator="backward", index=5), outcome("x", index=None, generator="file")]
        for name, part in {"a": rows[:5], "b": rows[5:], "c": rows[::-1]}.items():
            write_table(tmp_path / name, part, OUTCOMES)
        first = read_outcomes([tmp_path / "a", tmp_path / "b"])
        second = read_outcomes([str(tmp_path / "b"), str(tmp_path / "a"), str(tmp_path / "b")])
        assert first.table.equals(second.table)
        assert first.inputs == second.inputs
        assert read_outcomes([tmp_path / "c"]).table.equals(first.table)
        generators = first.table["generator"].to_pylist()
        assert generators == ["backward", *["file"], *["forward"] * 8]

    def test_runs_are_known_by_their_manifests(self, tmp_path: Path, outcomes: Make) -> None:
        config = {"engines": ["sympy"], "limit_seconds": 2.0}
        for name, limit in {"a": 2.0, "b": 0.5, "c": None}.items():
            write_table(tmp_path / name, outcomes(2), OUTCOMES)
            if limit:
                write_manifest(tmp_path / name, "integrate", config=config | {"limit_seconds": limit})
        source = read_outcomes([tmp_path])
        assert source.limit_seconds == 0.5
        assert [run["engines"] for run in source.configs] == [["sympy"], ["sympy"]]
        assert len(set(source.inputs)) == 3
        assert read_outcomes([tmp_path / "c"]).limit_seconds is None

    def test_shards_of_a_run_are_read_from_the_folder_above_them(self, storage_root: str, outcomes: Make) -> None:
        rows, inputs = outcomes(6), {"functions": "0"}
        for shard in (0, 1):
            folder = f"{storage_root}/shard-{shard}"
            write_table(folder, rows[shard::3], OUTCOMES)
            write_manifest(folder, "integrate", config={"shard": shard, "num_shards": 3}, inputs=inputs)
        config = {"shard": 2, "num_shards": 3}
        failure = Failure(stage="integrate", config=config, inputs=inputs, error="OSError: disk", attempts=3)
        write_failure(f"{storage_root}/shard-2", failure)
        with pytest.raises(RecordsError, match=r"^2 of 3 shards came out .* shard 2 \(OSError: disk\)"):
            read_outcomes([storage_root])
        source = read_outcomes([storage_root], min_success_ratio=0.6)
        assert source.missing_shards == 1
        assert len(source.table) == 4
        with pytest.raises(RecordsError, match="0 of 3 shards"):
            read_outcomes([f"{storage_root}/shard-2"], min_success_ratio=0.6)

    def test_a_file_in_the_folder_at_hand(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcomes: Make
    ) -> None:
        monkeypatch.chdir(tmp_path)
        write_table(".", outcomes(2), OUTCOMES)
        write_manifest(".", "integrate", config={"limit_seconds": 2.0})
        assert read_outcomes(["outcomes.parquet"]).limit_seconds == 2.0
        assert read_outcomes(["."]).limit_seconds == 2.0

    def test_a_folder_without_outcomes_is_named(self, storage_root: str) -> None:
        write_table(storage_root, [], FUNCTIONS)
        with pytest.raises(RecordsError, match=f"^{storage_root}: no outcomes.parquet in it or below it; `int"):
            read_outcomes([storage_root])

    def test_a_missing_file_is_named(self, storage_root: str) -> None:
        with pytest.raises(StorageError, match=f"^{storage_root}/a.parquet: no such "):
            read_outcomes([f"{storage_root}/a.parquet"])

    def test_another_table_is_named(self, tmp_path: Path) -> None:
        write_table(tmp_path, [], FUNCTIONS)
        with pytest.raises(RecordsError, match=r"functions.parquet: holds functions v1, but outcomes v1 is needed"):
            read_outcomes([tmp_path / "functions.parquet"])


class TestHoldOuts:
    def test_integrands_one_a_line(self, storage_root: str) -> None:
        path = f"{storage_root}/classics.txt"
        storage.write_text(path, "# textbook\n\n  x*exp(x^2)  \nsin(x)/x\n")
        held_out = read_hold_outs([path])
        assert held_out.families == {family(parse(text)) for text in ("x*exp(x^2)", "sin(x)/x")}
        assert len(held_out.inputs) == 1

    def test_none(self) -> None:
        assert read_hold_outs([]).families == frozenset()

    def test_an_integrand_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "classics.txt").write_text("x\nimport os\n")
        with pytest.raises(ExpressionError, match=r"classics.txt, line 2: unknown name"):
            read_hold_outs([str(tmp_path / "classics.txt")])
