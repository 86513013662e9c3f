from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from intclass.components.integrate._functions import Function, fingerprint_input, read_functions
from intclass.components.shared import storage
from intclass.components.shared.errors import RecordsError, StorageError
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import FUNCTIONS, write_table

ROW = {
    "id": "a",
    "index": 3,
    "seed": 1,
    "grammar": "intclass",
    "generator": "backward",
    "internal_nodes": 4,
    "integrand": "exp(x) + 1",
    "canonical": "exp(x) + 1",
    "fingerprint": "0123456789abcdef",
    "label": "elementary",
    "certificate": "differentiated",
    "antiderivative": "exp(x) + x",
}


def _only(path: Path | str) -> Function:
    [function], duplicates = read_functions(path)
    assert duplicates == 0
    return function


def test_the_folder_that_generate_wrote(storage_root: str) -> None:
    write_table(storage_root, [ROW], FUNCTIONS)
    function = _only(storage_root)
    assert function == Function(**ROW)  # type: ignore[arg-type]
    assert function.origin() == {name: ROW[name] for name in function.origin()}


def test_any_parquet_file_with_the_column(tmp_path: Path) -> None:
    pq.write_table(pa.table({"integrand": ["x", "x + 1"], "colour": ["red", "blue"]}), tmp_path / "mine.parquet")
    functions, _ = read_functions(tmp_path / "mine.parquet")
    assert [(f.id, f.integrand, f.generator, f.grammar) for f in functions] == [
        ("0", "x", "file", None),
        ("1", "x + 1", "file", None),
    ]


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in [ROW, {"integrand": "5"}]) + "\n\n")
    functions, _ = read_functions(path)
    assert functions == [Function(**ROW), Function(id="1", integrand="5")]  # type: ignore[arg-type]


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text('id,integrand,internal_nodes\nq,"f(x, 1)",3\n,5,\n')
    functions, _ = read_functions(path)
    assert functions == [Function(id="q", integrand="f(x, 1)", internal_nodes=3), Function(id="1", integrand="5")]


def test_each_distinct_text_is_taken_once(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("integrand,id\nx,a\nx,b\nx ,c\ny,d\nx,e\n")
    functions, duplicates = read_functions(path)
    assert [function.id for function in functions] == ["a", "c", "d"]
    assert duplicates == 2


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "function\nx\n", "no column 'integrand' among function"),
        ("a.csv", "", "no column 'integrand' among none"),
        ("a.csv", "integrand,seed\nx,one\n", "row 1: column 'seed' is 'one', not an integer"),
        ("a.csv", "integrand,id\n,a\n", "row 1: the integrand is None"),
        ("a.jsonl", '{"integrand": "x"}\n{"function": "x"}\n', "line 2: no column 'integrand' among function"),
        ("a.jsonl", "x**2\n", "line 1: not JSON"),
        ("a.jsonl", "[1]\n", "line 1: not a JSON object"),
        ("a.jsonl", '{"integrand": 5}\n', "row 1: the integrand is 5, not a text"),
        ("a.jsonl", '{"integrand": "x", "label": "maybe"}\n', "the label is 'maybe', not one of elementary"),
        ("a.parquet", "x**2\n", "not a Parquet, JSONL or CSV file"),
    ],
)
def test_bad_input_is_refused_by_its_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(RecordsError, match=message) as caught:
        read_functions(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        read_functions(tmp_path / "none.csv")


def test_the_fingerprint_of_a_stage_is_its_manifests(tmp_path: Path) -> None:
    write_table(tmp_path, [ROW], FUNCTIONS)
    before = fingerprint_input(tmp_path)
    manifest = write_manifest(tmp_path, "generate", config={})
    assert fingerprint_input(tmp_path) == manifest.fingerprint != before


def test_the_fingerprint_of_a_file_is_its_contents(storage_root: str) -> None:
    one, two = storage.join(storage_root, "one.csv"), storage.join(storage_root, "two.csv")
    storage.write_text(one, "integrand\nx\n")
    storage.write_text(two, "integrand\nx\n")
    assert fingerprint_input(one) == fingerprint_input(two)
    storage.write_text(two, "integrand\ny\n")
    assert fingerprint_input(one) != fingerprint_input(two)
