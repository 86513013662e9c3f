from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from intclass.components.dataset import DatasetConfig, build_dataset
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.manifest import is_complete, read_manifest, write_manifest
from intclass.components.shared.records import EXAMPLES, OUTCOMES, read_table, write_table

Row = dict[str, Any]
Make = Callable[..., Any]
COUNT = 120


def write_outcomes(folder: str | Path, rows: Sequence[Row]) -> str:
    write_table(folder, rows, OUTCOMES)
    write_manifest(folder, "integrate", config={"engines": ["fricas", "sympy"], "limit_seconds": 1.0})
    return str(folder)


def examples_of(folder: str | Path) -> list[Row]:
    rows: list[Row] = read_table(folder, EXAMPLES).to_pylist()
    return rows


def contents(folder: str | Path) -> dict[str, bytes]:
    return {storage.name_below(folder, file): storage.read_bytes(file) for file in storage.list_files(folder)}


class TestBuilding:
    def test_from_outcomes_to_examples(self, storage_root: str, outcomes: Make) -> None:
        rows = outcomes(COUNT)
        source, out = write_outcomes(f"{storage_root}/outcomes", rows), f"{storage_root}/dataset"
        manifest = build_dataset([source], out)
        examples = examples_of(out)
        assert sorted(contents(out)) == ["README.md", "examples.parquet", "manifest.json", "report.html"]
        assert manifest == read_manifest(out)
        assert manifest.inputs == {"outcomes-000": read_manifest(source).fingerprint}
        assert [example["integrand"] for example in examples] == [row["integrand"] for row in rows]
        for example, row in zip(examples, rows, strict=True):
            assert example["label"] == (row["label"] == "elementary")
            assert (example["outcome"], example["target"]) == (row["label"], "elementary")
            assert (example["reason"], example["certificate"]) == (row["reason"], row["certificate"])

    def test_every_rule_drops_and_is_counted(self, tmp_path: Path, outcomes: Make, outcome: Make) -> None:
        rows = outcomes(COUNT)
        first = rows[0]
        rows += [
            outcome("import os", "unknown", index=200),
            outcome("tan(x**2)", "unknown", index=201),
            outcome("tan(x**3)", "unknown", index=202),
            outcome("log(x)", "elementary", index=203),
            outcome("log(x)", "nonelementary", index=204),
            first | {"index": 205},
            first | {"index": 206},
            outcome("x**2*log(x)", "elementary", index=207) | {"canonical": "gamma(x)", "fingerprint": "0" * 16},
            outcome("x*exp(x**2)", "elementary", index=208),
            outcome("7*x*exp(3*x**2)", "elementary", index=209),
            outcome("tan(2*x + 3)", "elementary", index=210),
            outcome("tan(5*x + 1)", "nonelementary", index=211),
            outcome("tan(3*x + 1)", "elementary", index=212),
        ]
        (tmp_path / "classics.txt").write_text("x*exp(x**2)\n")
        config = DatasetConfig(hold_out=(str(tmp_path / "classics.txt"),))
        counts = build_dataset([write_outcomes(tmp_path / "o", rows)], tmp_path / "d", config).counts
        assert {name: count for name, count in counts.items() if name.startswith("dropped_")} == {
            "dropped_unparsable": 1,
            "dropped_unknown": 2,
            "dropped_conflicting": 2,
            "dropped_duplicate": 2,
            "dropped_unreadable": 1,
            "dropped_held_out": 2,
            "dropped_same_skeleton": 2,
            "dropped_half_held_out": 0,
        }
        assert counts["mixed_skeletons"] == 1
        assert counts["outcomes"] == COUNT + 13
        assert counts["examples"] == COUNT + 1
        assert counts["nonelementary"] + counts["elementary"] == COUNT + 1
        assert counts["train"] + counts["validation"] + counts["test"] == COUNT + 1
        assert "tan(2*x + 3)" in {example["integrand"] for example in examples_of(tmp_path / "d")}

    def test_the_target_solved(self, tmp_path: Path, outcomes: Make, answer: Make) -> None:
        rows = outcomes(COUNT)
        for number, row in enumerate(rows):
            row["answers"] = [answer(seconds=(0.2, 0.7)[number % 2]), answer("fricas")] if number else []
        source = write_outcomes(tmp_path / "o", rows)
        config = DatasetConfig(target="solved", solved_within_seconds=0.5)
        manifest = build_dataset([source], tmp_path / "d", config)
        examples = examples_of(tmp_path / "d")
        assert [example["label"] for example in examples] == [number % 2 == 0 for number in range(1, COUNT)]
        assert {example["target"] for example in examples} == {"solved"}
        assert manifest.counts["dropped_sympy_not_asked"] == 1
        assert (manifest.counts["solved"], manifest.counts["unsolved"]) == (COUNT // 2 - 1, COUNT // 2)

    def test_several_runs_and_files(self, tmp_path: Path, outcomes: Make) -> None:
        rows = outcomes(COUNT)
        paths = [write_outcomes(tmp_path / "a", rows[:70]), write_outcomes(tmp_path / "b" / "shard", rows[50:])]
        manifest = build_dataset([paths[0], tmp_path / "b"], tmp_path / "d")
        assert manifest.counts["examples"] == COUNT
        assert manifest.counts["dropped_duplicate"] == 20
        assert len(manifest.inputs) == 2


class TestSplits:
    def test_near_copies_never_cross(self, tmp_path: Path, outcomes: Make, outcome: Make) -> None:
        rows = outcomes(COUNT)
        for number, near in enumerate(["(2*x)", "(3*x)", "(5*x + 1)", "(x) - 7"], start=1):
            copies = ((row, row["integrand"].replace("(x)", near)) for row in rows[:COUNT])
            rows += [outcome(text, row["label"], index=row["index"] + 1000 * number) for row, text in copies]
        source = write_outcomes(tmp_path / "o", rows)
        counts = build_dataset([source], tmp_path / "d", DatasetConfig(max_per_skeleton=0)).counts
        assert counts["examples"] == 5 * COUNT
        examples = examples_of(tmp_path / "d")
        for key, groups in {"skeleton": 4 * COUNT, "index": COUNT}.items():
            splits: dict[str, set[str]] = {}
            for example in examples:
                group = example[key] % 1000 if key == "index" else example[key]
                splits.setdefault(group, set()).add(example["split"])
            assert len(splits) == groups
            assert {len(found) for found in splits.values()} == {1}

    def test_a_larger_version_keeps_every_row_in_its_split(self, tmp_path: Path, outcomes: Make) -> None:
        rows = outcomes(3 * COUNT)
        small = write_outcomes(tmp_path / "small", rows[:COUNT])
        more = write_outcomes(tmp_path / "more", rows[COUNT:])
        build_dataset([small], tmp_path / "v1")
        build_dataset([small, more], tmp_path / "v2")
        before, after = (
            {example["fingerprint"]: example["split"] for example in examples_of(tmp_path / version)}
            for version in ("v1", "v2")
        )
        assert len(after) == 3 * COUNT
        assert before.items() <= after.items()

    def test_balance_is_what_the_table_holds(self, tmp_path: Path, outcomes: Make) -> None:
        manifest = build_dataset([write_outcomes(tmp_path / "o", outcomes(COUNT))], tmp_path / "d")
        examples = examples_of(tmp_path / "d")
        for split, classes in manifest.stats["balance"].items():
            for label, name in enumerate(("nonelementary", "elementary")):
                assert classes[name] == sum((e["split"], e["label"]) == (split, label) for e in examples) > 0


class TestSameBytes:
    @pytest.fixture
    def rows(self, outcomes: Make, outcome: Make) -> list[Row]:
        rows: list[Row] = outcomes(COUNT)
        copies = [outcome(f"{row['integrand']} + 1", row["label"], index=row["index"] + 500) for row in rows[:30]]
        return rows + copies + [row | {"seed": 1, "seconds": 0.5} for row in rows[:20]]

    def test_again(self, storage_root: str, rows: list[Row]) -> None:
        source = write_outcomes(f"{storage_root}/o", rows)
        for name in ("first", "second"):
            build_dataset([source], f"{storage_root}/{name}")
        assert contents(f"{storage_root}/first") == contents(f"{storage_root}/second")

    def test_inputs_in_any_order(self, tmp_path: Path, rows: list[Row]) -> None:
        random.Random(1).shuffle(rows)
        paths = [write_outcomes(tmp_path / name, rows[start::3]) for start, name in enumerate("abc")]
        build_dataset(paths, tmp_path / "first")
        build_dataset(paths[::-1], tmp_path / "second")
        assert contents(tmp_path / "first") == contents(tmp_path / "second")

    def test_rows_in_other_shards(self, tmp_path: Path, rows: list[Row]) -> None:
        whole = write_outcomes(tmp_path / "whole", rows)
        random.Random(1).shuffle(rows)
        shards = [write_outcomes(tmp_path / name, rows[start::3]) for start, name in enumerate("abc")]
        build_dataset([whole], tmp_path / "first")
        build_dataset(shards, tmp_path / "second")
        assert examples_of(tmp_path / "first") == examples_of(tmp_path / "second")

    def test_elsewhere(self, tmp_path: Path, gs_root: str, rows: list[Row]) -> None:
        (tmp_path / "classics.txt").write_text("tan(x)\n")
        storage.copy_folder(tmp_path, gs_root)
        for root in (tmp_path, gs_root):
            source = write_outcomes(f"{root}/o", rows)
            build_dataset([source], f"{root}/d", DatasetConfig(hold_out=(f"{root}/classics.txt",)))
        assert contents(f"{tmp_path}/d") == contents(f"{gs_root}/d")


class TestRefusals:
    def test_nothing_is_written(self, storage_root: str, outcome: Make) -> None:
        source = write_outcomes(f"{storage_root}/o", [outcome("x"), outcome("exp(x**2)", "unknown")])
        with pytest.raises(ConfigError, match=r"no row is 'nonelementary' \(outcomes: elementary 1, unknown 1\)"):
            build_dataset([source], f"{storage_root}/d")
        assert not storage.exists(f"{storage_root}/d")

    def test_too_few_for_all_splits(self, tmp_path: Path, outcome: Make) -> None:
        source = write_outcomes(tmp_path / "o", [outcome("x"), outcome("exp(x**2)", "nonelementary")])
        with pytest.raises(ConfigError, match=r"the .* split has no example that is '.*elementary'"):
            build_dataset([source], tmp_path / "d")
        assert not is_complete(tmp_path / "d")

    def test_only_conflicts(self, tmp_path: Path, outcome: Make) -> None:
        source = write_outcomes(tmp_path / "o", [outcome("x"), outcome("x", "nonelementary", index=1)])
        with pytest.raises(ConfigError, match=r"train 0 nonelementary, 0 elementary; validation 0"):
            build_dataset([source], tmp_path / "d")

    def test_more_seconds_than_sympy_had(self, tmp_path: Path, outcomes: Make) -> None:
        source = write_outcomes(tmp_path / "o", outcomes(COUNT))
        with pytest.raises(ConfigError, match="solved_within_seconds is 2, but SymPy was stopped after 1 seconds"):
            build_dataset([source], tmp_path / "d", DatasetConfig(target="solved", solved_within_seconds=2.0))
