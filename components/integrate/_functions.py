"""The functions to integrate: what generate wrote, or a file of one's own with a column `integrand`."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from intclass.components.shared import storage
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.manifest import is_complete, read_manifest
from intclass.components.shared.records import FUNCTIONS, LABELS, table_path

COLUMN: Final = "integrand"
FROM_FILE: Final = "file"  # the generator of a function that somebody else wrote down
_JSON_LINES: Final = (".jsonl", ".ndjson")
_FILE_ENDINGS: Final = (*_JSON_LINES, ".csv")
_INTEGERS: Final = ("index", "seed", "internal_nodes")


@dataclass(frozen=True, kw_only=True)
class Function:
    """One integrand as it was given, with what is known of its origin and, for some generators, of its label."""

    id: str
    integrand: str
    generator: str = FROM_FILE
    index: int | None = None
    seed: int | None = None
    grammar: str | None = None
    internal_nodes: int | None = None
    canonical: str | None = None
    fingerprint: str | None = None
    label: str | None = None
    certificate: str | None = None
    antiderivative: str | None = None

    def origin(self) -> dict[str, Any]:
        """The columns that say where the function comes from, as all tables have them."""
        names = ("id", "index", "seed", "grammar", "generator", "internal_nodes", "integrand")
        return {name: getattr(self, name) for name in names}


_FIELDS: Final = tuple(field.name for field in fields(Function))


def read_functions(path: str | Path) -> tuple[list[Function], int]:
    """The functions in their order, the first of each distinct text, and how many duplicates were left out.

    Args:
        path: A folder or Parquet file that generate wrote, or any Parquet, JSONL or CSV file, local or gs://, with a
            column `integrand`; columns of the names of records.FUNCTIONS are taken over.

    Raises StorageError, and RecordsError naming the file, the line and the column at fault.
    """
    rows = list(_rows(str(path)))
    functions: dict[str, Function] = {}
    for number, row in enumerate(rows):
        function = _function(row, number=number, source=str(path))
        functions.setdefault(function.integrand, function)
    return list(functions.values()), len(rows) - len(functions)


def _rows(path: str) -> Iterable[Mapping[str, Any]]:
    if path.endswith(_JSON_LINES):
        return _read_json_lines(storage.read_text(path), path)
    if path.endswith(".csv"):
        return _read_csv(storage.read_text(path), path)
    return _read_parquet(table_path(path, FUNCTIONS))


def _read_parquet(path: str) -> list[dict[str, Any]]:
    data = storage.read_bytes(path)
    try:
        table = pq.read_table(pa.BufferReader(data))
    except pa.ArrowInvalid as error:
        raise RecordsError(f"{path}: not a Parquet, JSONL or CSV file: {error}") from error
    _require_column(table.column_names, path)
    rows: list[dict[str, Any]] = table.select([name for name in _FIELDS if name in table.column_names]).to_pylist()
    return rows


def _read_csv(text: str, path: str) -> list[dict[str, Any]]:
    reader = csv.DictReader(io.StringIO(text))
    _require_column(reader.fieldnames or [], path)
    return [{name: value or None for name, value in row.items() if name in _FIELDS} for row in reader]


def _read_json_lines(text: str, path: str) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise RecordsError(f"{path}, line {number}: not JSON: {error}") from error
        if not isinstance(row, dict):
            raise RecordsError(f"{path}, line {number}: not a JSON object")
        _require_column(row, f"{path}, line {number}")
        rows.append(row)
    return rows


def _require_column(names: Iterable[str], source: str) -> None:
    names = list(names)
    if COLUMN not in names:
        raise RecordsError(f"{source}: no column '{COLUMN}' among {', '.join(map(str, names)) or 'none'}")


def _function(row: Mapping[str, Any], *, number: int, source: str) -> Function:
    place = f"{source}, row {number + 1}"
    values = {name: row[name] for name in _FIELDS if row.get(name) is not None}
    if not isinstance(values.get(COLUMN), str):
        raise RecordsError(f"{place}: the integrand is {row.get(COLUMN)!r}, not a text")
    for name in _INTEGERS:
        if name in values:
            values[name] = _integer(values[name], f"{place}: column '{name}'")
    values["id"] = str(values.get("id", number))
    function = Function(**values)
    if function.label is not None and function.label not in LABELS:
        raise RecordsError(f"{place}: the label is '{function.label}', not one of {', '.join(LABELS)}")
    return function


def _integer(value: Any, place: str) -> int:  # noqa: ANN401 - as the file has it
    try:
        return int(value)
    except (TypeError, ValueError):
        raise RecordsError(f"{place} is {value!r}, not an integer") from None


def fingerprint_input(path: str | Path) -> str:
    """16 hex digits of the input: its manifest's fingerprint if it is a stage's folder, else of the file's bytes."""
    if is_complete(path):
        return read_manifest(path).fingerprint
    text = str(path)
    file = text if text.endswith(_FILE_ENDINGS) else table_path(path, FUNCTIONS)
    return hashlib.sha256(storage.read_bytes(file)).hexdigest()[:16]
