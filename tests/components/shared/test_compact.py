"""Compact files: smaller, and whole again when they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from intclass.components.shared import records
from intclass.components.shared.expressions import digest
from intclass.components.shared.records import EXAMPLES


def row(integrand: str, prefix: str, num_nodes: int, **changes: Any) -> dict[str, Any]:
    example = {
        "id": "0-1",
        "generator": "forward",
        "integrand": integrand,
        "canonical": integrand,
        "fingerprint": digest(integrand),
        "skeleton": "f" * 16,
        "prefix": prefix,
        "num_nodes": num_nodes,
        "target": "elementary",
        "label": 1,
        "outcome": "elementary",
        "reason": "verified",
        "seconds": 0.5,
        "split": "train",
    }
    return example | changes


ROWS = [row("x*exp(x)", "mul x exp x", 4), row("x**12", "pow x int 1 2 end", 3)]
AS_GIVEN = [row("exp(x)*x", "mul x exp x", 4, canonical="x*exp(x)", fingerprint=digest("x*exp(x)"))]
OF_ANOTHER_PROGRAM = [row("x", "x", 7, fingerprint="0" * 16)]


@pytest.mark.parametrize("rows", [[], ROWS, ROWS + AS_GIVEN, ROWS + OF_ANOTHER_PROGRAM])
def test_nothing_is_lost(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    whole, compact = (tmp_path / name for name in ("whole", "compact"))
    records.write_table(whole, rows, EXAMPLES)
    records.write_table(compact, rows, EXAMPLES, compact=True)
    read = records.read_table(compact, EXAMPLES)
    assert read.equals(records.read_table(whole, EXAMPLES))
    assert read.schema.equals(EXAMPLES.schema, check_metadata=True)


def test_what_can_be_derived_is_left_out_and_the_rest_stays(tmp_path: Path) -> None:
    records.write_table(tmp_path, ROWS, EXAMPLES, compact=True)
    names = set(pq.read_schema(tmp_path / "examples.parquet").names)
    assert set(EXAMPLES.schema.names) - names == {"canonical", "fingerprint", "num_nodes"}
    records.write_table(tmp_path, ROWS + AS_GIVEN, EXAMPLES, compact=True)
    assert pq.read_table(tmp_path / "examples.parquet")["canonical"].to_pylist() == [None, None, "x*exp(x)"]


def test_the_same_rows_give_the_same_bytes_and_fewer(tmp_path: Path) -> None:
    rows = [row(f"x**{number}", f"pow x int {number // 10} {number % 10} end", 3) for number in range(10, 99)]
    for name in ("first", "second"):
        records.write_table(tmp_path / name, rows, EXAMPLES, compact=True)
    first, second = ((tmp_path / name / "examples.parquet").read_bytes() for name in ("first", "second"))
    assert first == second
    records.write_table(tmp_path / "whole", rows, EXAMPLES)
    assert len(first) < 0.8 * (tmp_path / "whole" / "examples.parquet").stat().st_size
