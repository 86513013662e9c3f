from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from intclass.components.shared import records, storage
from intclass.components.shared.errors import RecordsError, StorageError
from intclass.components.shared.records import EXAMPLES, FUNCTIONS, OUTCOMES, Table

ANSWER = {
    "engine": "sympy",
    "engine_version": "sympy 1.14.0",
    "status": "solved",
    "reason": "an antiderivative",
    "antiderivative": "x**2/2",
    "seconds": 0.25,
}


def function_row(index: int = 0) -> dict[str, Any]:
    return {
        "id": f"0-{index}",
        "index": index,
        "seed": 0,
        "grammar": "intclass",
        "generator": "forward",
        "internal_nodes": 3,
        "integrand": "x*exp(x)",
        "canonical": "x*exp(x)",
        "fingerprint": f"{index:016x}",
        "label": None,
        "certificate": None,
        "antiderivative": None,
    }


def outcome_row(**changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": "a",
        "generator": "file",
        "integrand": "x",
        "label": "elementary",
        "reason": "verified",
        "seconds": 0.5,
        "verified": True,
        "answers": [ANSWER],
    }
    return row | changes


def example_row() -> dict[str, Any]:
    origin = {key: function_row()[key] for key in ("id", "generator", "integrand", "canonical", "fingerprint")}
    meaning = {"target": "elementary", "label": 1, "outcome": "elementary", "reason": "verified", "seconds": 0.5}
    return origin | meaning | {"skeleton": "f" * 16, "prefix": "mul x exp x", "num_nodes": 4, "split": "train"}


def complete(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in table.schema.names}


@pytest.mark.parametrize(
    ("table", "row"), [(FUNCTIONS, function_row()), (OUTCOMES, outcome_row()), (EXAMPLES, example_row())]
)
def test_a_table_comes_back_as_it_was_written(storage_root: str, table: Table, row: dict[str, Any]) -> None:
    path = records.write_table(storage_root, [row], table)
    assert path == storage.join(storage_root, f"{table.name}.parquet")
    back = records.read_table(storage_root, table)
    assert back.to_pylist() == [complete(table, row)]
    assert back.schema.equals(table.schema, check_metadata=True)
    assert records.read_table(path, table).equals(back)


def test_an_empty_table_comes_back(storage_root: str) -> None:
    records.write_table(storage_root, [], OUTCOMES)
    back = records.read_table(storage_root, OUTCOMES)
    assert back.num_rows == 0
    assert back.schema.equals(OUTCOMES.schema)


class TestBytes:
    def test_the_same_rows_give_the_same_bytes(self, storage_root: str) -> None:
        for name in ("one", "two"):
            records.write_table(f"{storage_root}/{name}", map(function_row, range(1000)), FUNCTIONS)
        one, two = (storage.read_bytes(f"{storage_root}/{name}/functions.parquet") for name in ("one", "two"))
        assert one == two

    def test_the_bytes_do_not_depend_on_how_a_table_was_put_together(self, tmp_path: Any) -> None:
        whole = FUNCTIONS.build(map(function_row, range(50_000)))
        pieces = pa.concat_tables([whole.slice(start, 777) for start in range(0, 50_000, 777)])
        assert pieces.equals(whole)
        records.write_table(tmp_path / "whole", whole, FUNCTIONS)
        records.write_table(tmp_path / "pieces", pieces, FUNCTIONS)
        assert (tmp_path / "whole/functions.parquet").read_bytes() == (
            tmp_path / "pieces/functions.parquet"
        ).read_bytes()


class TestBuild:
    def test_a_missing_key_becomes_null(self) -> None:
        row = outcome_row()
        assert OUTCOMES.build([row]).to_pylist()[0]["antiderivative"] is None

    def test_an_unknown_column_is_named(self) -> None:
        with pytest.raises(RecordsError, match=r"^outcomes: no such column: colour, flavour$"):
            OUTCOMES.build([outcome_row(flavour="up", colour="red")])

    def test_a_null_where_none_may_be_is_named(self) -> None:
        with pytest.raises(RecordsError, match=r"^outcomes: column 'reason' has 1 nulls$"):
            OUTCOMES.build([outcome_row(reason=None)])

    @pytest.mark.parametrize(
        ("column", "value"),
        [("seconds", "soon"), ("integrand", 7), ("index", 2**70), ("verified", 1), ("index", 1.5), ("answers", 3)],
    )
    def test_a_value_of_the_wrong_type_is_named(self, column: str, value: object) -> None:
        with pytest.raises(RecordsError, match=f"^outcomes: column '{column}': "):
            OUTCOMES.build([outcome_row(**{column: value})])

    def test_a_null_inside_an_answer_is_refused_on_writing(self, tmp_path: Any) -> None:
        with pytest.raises(RecordsError, match="'status' is declared non-nullable"):
            records.write_table(tmp_path, [outcome_row(answers=[ANSWER | {"status": None}])], OUTCOMES)
        assert not storage.exists(tmp_path)


class TestRefusals:
    def write(self, folder: Any, table: pa.Table) -> str:
        path = str(folder / "outcomes.parquet")
        pq.write_table(table, path)
        return path

    def test_a_missing_column_is_named(self, tmp_path: Any) -> None:
        path = self.write(tmp_path, OUTCOMES.build([outcome_row()]).drop_columns(["reason"]))
        with pytest.raises(RecordsError, match=f"^{path}: column 'reason' is missing from outcomes v1$"):
            records.read_table(path, OUTCOMES)

    def test_a_column_of_another_type_is_named(self, tmp_path: Any) -> None:
        table = OUTCOMES.build([outcome_row()])
        place = table.schema.get_field_index("seconds")
        path = self.write(tmp_path, table.set_column(place, "seconds", pa.array(["0.5"])))
        with pytest.raises(RecordsError, match=f"^{path}: column 'seconds' is string, expected double$"):
            records.read_table(path, OUTCOMES)

    def test_another_table_is_named(self, tmp_path: Any) -> None:
        path = self.write(tmp_path, FUNCTIONS.build([function_row()]))
        with pytest.raises(RecordsError, match=f"^{path}: holds functions v1, but outcomes v1 is needed$"):
            records.read_table(path, OUTCOMES)

    def test_another_version_is_named(self, tmp_path: Any) -> None:
        table = OUTCOMES.build([outcome_row()])
        metadata = {**table.schema.metadata, b"intclass.version": b"2"}
        path = self.write(tmp_path, table.replace_schema_metadata(metadata))
        with pytest.raises(RecordsError, match=f"^{path}: holds outcomes v2, but outcomes v1 is needed$"):
            records.read_table(path, OUTCOMES)

    def test_columns_of_its_own_are_dropped_and_order_does_not_matter(self, tmp_path: Any) -> None:
        table = OUTCOMES.build([outcome_row()])
        foreign = table.select(table.column_names[::-1]).append_column("note", pa.array(["mine"]))
        path = self.write(tmp_path, foreign.replace_schema_metadata(None))
        assert records.read_table(path, OUTCOMES).equals(table)

    @pytest.mark.parametrize("data", [b"", b"integrand,label\nx,elementary\n", b"PAR1 cut short"])
    def test_what_is_no_parquet_file_is_named(self, storage_root: str, data: bytes) -> None:
        path = storage.join(storage_root, "outcomes.parquet")
        storage.write_bytes(path, data)
        with pytest.raises(RecordsError, match=f"^{path}: not a Parquet file: "):
            records.read_table(storage_root, OUTCOMES)

    def test_a_damaged_file_is_named(self, tmp_path: Any) -> None:
        path = tmp_path / "functions.parquet"
        records.write_table(tmp_path, map(function_row, range(100)), FUNCTIONS)
        data = path.read_bytes()
        path.write_bytes(data[:100] + bytes(200) + data[300:])
        with pytest.raises(RecordsError, match=f"^{path}: not a Parquet file: "):
            records.read_table(path, FUNCTIONS)

    def test_a_missing_table_is_named(self, storage_root: str) -> None:
        with pytest.raises(StorageError, match=f"^{storage_root}/outcomes.parquet: no such "):
            records.read_table(storage_root, OUTCOMES)
