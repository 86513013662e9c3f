from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from intclass.components.dataset import DatasetConfig, build_dataset
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, RecordsError
from intclass.components.shared.expressions import parse, scaled_form
from intclass.components.shared.manifest import read_manifest, write_manifest
from intclass.components.shared.records import EXAMPLES, OUTCOMES, read_table, write_table

Row = dict[str, Any]
Make = Callable[..., Any]
LARGE = "sin(x**2 + 2*x) + cos(exp(x) + 3*x)"
BASE = DatasetConfig(max_per_skeleton=0, hold_out_larger_than=14, test_fraction=0.2, seed=3)


def write_outcomes(folder: str, rows: Sequence[Row]) -> str:
    write_table(folder, rows, OUTCOMES)
    write_manifest(folder, "integrate", config={"engines": ["fricas"], "limit_seconds": 1.0})
    return folder


def examples_of(folder: str) -> list[Row]:
    rows: list[Row] = read_table(folder, EXAMPLES).to_pylist()
    return rows


def by_text(rows: Sequence[Row]) -> dict[str, Row]:
    return {row["integrand"]: row for row in rows}


@pytest.fixture
def base(storage_root: str, outcomes: Make, outcome: Make) -> str:
    """A dataset of 120 functions, and some with an exponential of a square; one large one is held out."""
    rows = [*outcomes(120), outcome(LARGE, index=500)]
    rows += [outcome(f"{n}*x*exp({n}*x**2)", index=600 + n) for n in (2, 3)]
    rows += [outcome(f"{n}*x**5*exp({n}*x**6)", index=700 + n) for n in (2, 3)]
    out = f"{storage_root}/base"
    build_dataset([write_outcomes(f"{storage_root}/outcomes", rows)], out, BASE)
    return out


def extend(storage_root: str, base: str, rows: Sequence[Row], **options: Any) -> str:
    out = f"{storage_root}/extended"
    source = write_outcomes(f"{storage_root}/more", rows)
    build_dataset([source], out, DatasetConfig(max_per_skeleton=0, extends=base, **options))
    return out


def test_old_rows_keep_their_splits_and_new_ones_follow_the_same_rules(
    storage_root: str, base: str, outcomes: Make
) -> None:
    before = examples_of(base)
    new = outcomes(200, start=120)
    rows = examples_of(extend(storage_root, base, new))
    assert rows[: len(before)] == before
    assert [row["integrand"] for row in rows[len(before) :]] == [row["integrand"] for row in new]
    whole = f"{storage_root}/whole"
    sources = [f"{storage_root}/{name}" for name in ("outcomes", "more")]
    build_dataset(sources, whole, BASE)
    splits = {text: row["split"] for text, row in by_text(examples_of(whole)).items()}
    assert {text: row["split"] for text, row in by_text(rows).items()} == splits


def test_it_holds_what_is_new_alone_and_says_so(storage_root: str, base: str, outcomes: Make) -> None:
    out = extend(storage_root, base, [*outcomes(200, start=120), *outcomes(3)])
    manifest = read_manifest(out)
    assert manifest.counts["dropped_known"] == 3
    assert manifest.counts["examples"] == 200
    assert manifest.counts["base_examples"] == 125
    assert manifest.inputs["base"] == read_manifest(base).fingerprint
    card = storage.read_text(f"{out}/README.md")
    assert "125 examples" in card
    assert "--extends DATASET" in card
    assert "base.json" in manifest.files


def test_scaled_copies_are_not_learnt_from(storage_root: str, base: str, outcomes: Make, outcome: Make) -> None:
    hold_out = f"{storage_root}/pairs.txt"
    storage.write_text(hold_out, "x*exp(x**2)\n")
    new = [*outcomes(200, start=120), outcome("7*x*exp(-x**2/2)", index=900), outcome("x**3*exp(x**4)", index=901)]
    out = extend(storage_root, base, new, hold_out_scaled=(hold_out,))
    form = scaled_form(parse("x*exp(x**2)"))
    left = [row for row in examples_of(out) if scaled_form(parse(row["integrand"])) == form]
    assert {row["split"] for row in left} <= {"test"}
    assert "x**3*exp(x**4)" in by_text(examples_of(out))
    counts = read_manifest(out).counts
    assert counts["dropped_scaled_copy"] == 1
    in_base = [row for row in examples_of(base) if scaled_form(parse(row["integrand"])) == form]
    assert counts["base_left_out"] == len(in_base) - len(left)


def test_a_near_copy_of_what_the_base_holds_out_is_dropped(
    storage_root: str, base: str, outcomes: Make, outcome: Make
) -> None:
    """Too small to be held out for its size, it would go into train and give the large one away."""
    small = "sin(x**2 + x) + cos(exp(x) + x)"
    assert by_text(examples_of(base))[LARGE]["split"] == "test_size"
    out = extend(storage_root, base, [*outcomes(200, start=120), outcome(small, index=900)])
    assert small not in by_text(examples_of(out))
    assert read_manifest(out).counts["dropped_base_holds_out"] == 1


def test_another_build_of_the_base_is_refused(storage_root: str, base: str, outcomes: Make) -> None:
    out = extend(storage_root, base, outcomes(200, start=120))
    source = write_outcomes(f"{storage_root}/other", outcomes(130))
    build_dataset([source], base, DatasetConfig(max_per_skeleton=0))
    with pytest.raises(RecordsError, match=r"extends build .*extend that one anew"):
        read_table(out, EXAMPLES)


def test_what_is_no_dataset_cannot_be_extended(tmp_path: Path, outcomes: Make) -> None:
    source = write_outcomes(str(tmp_path / "outcomes"), outcomes(120))
    with pytest.raises(ConfigError, match="give a dataset's folder"):
        build_dataset([source], tmp_path / "out", DatasetConfig(extends=source))


def test_a_local_base_is_found_from_wherever_both_are_moved(tmp_path: Path, outcomes: Make) -> None:
    first = write_outcomes(str(tmp_path / "outcomes"), outcomes(120))
    build_dataset([first], tmp_path / "data" / "one", DatasetConfig())
    second = write_outcomes(str(tmp_path / "more"), outcomes(200, start=120))
    build_dataset([second], tmp_path / "data" / "two", DatasetConfig(extends=str(tmp_path / "data" / "one")))
    assert json.loads((tmp_path / "data" / "two" / "base.json").read_text())["base"] == "../one"
    moved = (tmp_path / "data").rename(tmp_path / "moved")
    assert len(read_table(moved / "two", EXAMPLES)) == 320
