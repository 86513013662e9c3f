from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from intclass.components.dataset import DatasetConfig, build_dataset
from intclass.components.dataset._card import _size_category
from intclass.components.dataset._tables import table
from intclass.components.shared.expressions import family, parse, skeleton_hash
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import EXAMPLES, OUTCOMES, write_table

Make = Callable[..., Any]


@pytest.fixture
def source(tmp_path: Path, outcomes: Make, outcome: Make) -> Path:
    rows = outcomes(110)
    rows += [outcome("tan(x)", "unknown", index=200 + number, reason=f"killed after 1.{number} s") for number in (1, 2)]
    rows += [outcome("1/0", "unknown", index=300, reason="unparsable: the '1/0' | part", internal_nodes=None)]
    write_table(tmp_path / "o", rows, OUTCOMES)
    config = {"engines": ["fricas", "sympy"], "limit_seconds": 1.0, "memory_mb": 2048, "journal": "/secret/place"}
    write_manifest(tmp_path / "o", "integrate", config=config)
    return tmp_path / "o"


@pytest.fixture
def card(source: Path, tmp_path: Path) -> str:
    build_dataset([source], tmp_path / "d")
    return (tmp_path / "d" / "README.md").read_text()


def test_the_front_matter_is_the_hubs(card: str) -> None:
    _, front, _ = card.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "license": "cc-by-4.0",
        "pretty_name": "Integrability: elementary",
        "task_categories": ["text-classification"],
        "size_categories": ["n<1K"],
        "tags": ["mathematics", "symbolic-integration", "computer-algebra", "calculus", "sympy"],
        "configs": [{"config_name": "default", "data_files": "examples.parquet"}],
    }


@pytest.mark.parametrize(
    ("rows", "category"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (150_000, "100K<n<1M"), (10**8, "n>100M"), (10**12, "n>100M")],
)
def test_size_categories(rows: int, category: str) -> None:
    assert _size_category(rows) == category


def test_every_column_is_explained(card: str) -> None:
    for field in EXAMPLES.schema:
        assert re.search(rf"^\| `{field.name}` \| {field.type} \| \S", card, re.MULTILINE)
    assert "| `label` | int8 | the answer: 1 = elementary, 0 = nonelementary |" in card


def test_the_numbers_are_the_runs(card: str, source: Path) -> None:
    labels = pq.read_table(source / "outcomes.parquet")["label"].to_pylist()
    elementary, nonelementary = labels.count("elementary"), labels.count("nonelementary")
    for line in [
        "110 functions of one variable x",
        f"For {elementary} functions an antiderivative was differentiated",
        f"| intclass | forward | 0 | {elementary} | {nonelementary} | 3 |",
        f"| 3 | {elementary} | {nonelementary} | 2 |",
        "| (not given) | 0 | 0 | 1 |",
        f"| elementary | elementary, after N s | {elementary} |",
        "| unknown | killed after N s | 2 |",
        "| unknown | unparsable | 1 |",
        f"| sympy | sympy 1.0 | solved | {elementary} | {elementary / 2:.1f} |",
        "| fricas, sympy | 1.0 | 2048 | 1 |",
        "| outcomes read | 113 |",
        "| dropped: could not be read as a function of x | 1 |",
        "| examples | 110 |",
        f"| 5 to 9 | {nonelementary} | {elementary} |",
        "missing: 2 of 113 (2 %)",
    ]:
        assert line in card


def test_nothing_is_left_to_fill_in(card: str) -> None:
    assert not re.search(r"\$\w|[{}]", card)


def test_it_tells_no_path_and_no_date(card: str, tmp_path: Path) -> None:
    assert str(tmp_path) not in card
    assert "/secret/place" not in card
    assert not re.search(r"\b20\d\d-\d\d|\d\d:\d\d\b", card)


def test_the_command_makes_it_again(card: str) -> None:
    command = card.split("```sh\n")[1].split("```")[0].replace("\\\n", "")
    expected = (
        "intclass dataset OUTCOMES... --out DIR --target elementary --test-fraction 0.15 --validation-fraction 0.15 "
        "--max-per-skeleton 1 --seed 0"
    )
    assert command.split() == expected.split()


def test_the_card_of_the_other_target(source: Path, tmp_path: Path) -> None:
    (tmp_path / "classics.txt").write_text("x\n")
    config = DatasetConfig(target="solved", solved_within_seconds=0.5, hold_out=(str(tmp_path / "classics.txt"),))
    build_dataset([source], tmp_path / "d", config)
    card = (tmp_path / "d" / "README.md").read_text()
    assert "does SymPy find a closed form of its antiderivative within 0.5 seconds?" in card
    assert "| `label` | int8 | the answer: 1 = solved, 0 = unsolved |" in card
    assert "--target solved \\\n    --solved-within 0.5" in card
    assert "--hold-out FILE" in card
    assert "Functions that SymPy was not asked are missing: 0 of 113 (0 %)" in card


def test_how_to_load_it_works(card: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "d")
    code = card.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    assert set(names["train"]["split"].to_pylist()) == {"train"}


def test_what_it_says_of_near_copies_is_true(card: str) -> None:
    assert "(`x*exp(x**2)` and `7*x*exp(3*x**2 + 1)`)" in card
    assert family(parse("x*exp(x**2)")) == family(parse("7*x*exp(3*x**2 + 1)"))
    assert "`exp(x)*x**2`\n  and `exp(x)/x` share a skeleton" in card
    assert skeleton_hash(parse("exp(x)*x**2")) == skeleton_hash(parse("exp(x)/x"))


def test_a_run_that_was_not_recorded(source: Path, tmp_path: Path) -> None:
    (source / "manifest.json").unlink()
    build_dataset([source], tmp_path / "d")
    assert "What they were told was not recorded." in (tmp_path / "d" / "README.md").read_text()


def test_a_table_keeps_its_columns_whatever_is_in_them() -> None:
    assert table(["a", "b"], [["x | y\nz", 1234]]) == "| a | b |\n| --- | ---: |\n| x \\| y z | 1,234 |"


def test_the_card_tells_of_held_out_splits_and_of_what_a_compact_file_lacks(
    source: Path, tmp_path: Path, outcome: Make
) -> None:
    write_table(tmp_path / "more", [outcome("x*exp(x)", generator="parts", index=400)], OUTCOMES)
    config = DatasetConfig(hold_out_generators=("parts",), compact=True)
    build_dataset([source, tmp_path / "more"], tmp_path / "d", config)
    card = (tmp_path / "d" / "README.md").read_text()
    assert "--hold-out-generator parts \\\n    --compact" in card
    assert "- `test_generator`: functions of the generator parts, of which train and validation have none." in card
    assert "| test_generator | 1 | 0 | 1 | 100.0 % |" in card
    assert "`fingerprint` (16 hexadecimal digits" in card
