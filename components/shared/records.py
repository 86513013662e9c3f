"""The tables that stages hand to each other: Arrow schemas, versioned, checked by column name on reading.

A table lies in a stage's folder under its own name, `functions.parquet` and so on, beside `manifest.json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from intclass.components.shared import storage
from intclass.components.shared.compact import OF_EXAMPLES, Derived, compacted, restored
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.extension import Extension

Label = Literal["elementary", "nonelementary", "unknown"]
LABELS: Final[tuple[Label, ...]] = ("elementary", "nonelementary", "unknown")
# `test` is drawn at random, from the same functions as `train`; the three behind it are unlike what `train` holds.
Split = Literal["train", "validation", "test", "test_generator", "test_size", "test_structure"]
RANDOM_SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test")
HELD_OUT_SPLITS: Final[tuple[Split, ...]] = ("test_generator", "test_size", "test_structure")
SPLITS: Final[tuple[Split, ...]] = (*RANDOM_SPLITS, *HELD_OUT_SPLITS)

_COMPACT: Final[Mapping[str, Any]] = {"compression_level": 19, "use_dictionary": False}
_NAME_KEY = b"intclass.table"
_VERSION_KEY = b"intclass.version"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table's name, version and Arrow schema. The version rises when a column changes its meaning.

    A compact file of the table leaves out what is `derived`. An `extensible` one may hold what is new alone, beside a
    file that names the table it extends (shared.extension).
    """

    name: str
    version: int
    schema: pa.Schema
    derived: tuple[Derived, ...] = ()
    extensible: bool = False

    @property
    def file_name(self) -> str:
        """The file that holds the table inside a stage's folder."""
        return f"{self.name}.parquet"

    def build(self, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """Rows as an Arrow table of this schema; a missing key becomes null.

        Raises RecordsError for a key that is no column, a null where none may be, or a value of the wrong type.
        """
        rows = list(rows)
        unknown = {key for row in rows for key in row} - set(self.schema.names)
        if unknown:
            raise RecordsError(f"{self.name}: no such column: {', '.join(sorted(unknown))}")
        columns = [self._column(field, [row.get(field.name) for row in rows]) for field in self.schema]
        return self.check(pa.Table.from_arrays(columns, schema=self.schema), source=self.name)

    def _column(self, field: pa.Field, values: list[Any]) -> pa.Array:
        if pa.types.is_integer(field.type) and any(isinstance(value, float) for value in values):
            raise RecordsError(
                f"{self.name}: column '{field.name}': a fraction, expected {field.type}"
            )  # Arrow cuts it
        try:
            return pa.array(values, type=field.type)
        except (pa.ArrowException, OverflowError) as error:
            raise RecordsError(f"{self.name}: column '{field.name}': {error}") from error

    def check(self, table: pa.Table, *, source: str) -> pa.Table:
        """The table with this schema's columns in this schema's order; raises RecordsError naming the bad column."""
        metadata = table.schema.metadata or {}
        name = metadata.get(_NAME_KEY, self.name.encode()).decode()
        version = metadata.get(_VERSION_KEY, str(self.version).encode()).decode()
        if (name, version) != (self.name, str(self.version)):
            raise RecordsError(f"{source}: holds {name} v{version}, but {self.name} v{self.version} is needed")
        columns = []
        for field in self.schema:
            if field.name not in table.column_names:
                raise RecordsError(f"{source}: column '{field.name}' is missing from {self.name} v{self.version}")
            column = table.column(field.name)
            if column.type != field.type:
                raise RecordsError(f"{source}: column '{field.name}' is {column.type}, expected {field.type}")
            if column.null_count and not field.nullable:
                raise RecordsError(f"{source}: column '{field.name}' has {column.null_count} nulls")
            columns.append(column)
        return pa.Table.from_arrays(columns, schema=self.schema)


def _table(name: str, version: int, *fields: pa.Field) -> Table:
    metadata = {_NAME_KEY: name.encode(), _VERSION_KEY: str(version).encode()}
    return Table(name=name, version=version, schema=pa.schema(fields, metadata=metadata))


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


# What a sample is and where it came from: the same columns in all three tables.
_ORIGIN = (
    _required("id", pa.string()),
    pa.field("index", pa.int64()),  # the sample's place in its seed's sequence; null for a user's own file
    pa.field("seed", pa.int64()),
    pa.field("grammar", pa.string()),
    _required("generator", pa.string()),  # forward, backward, ..., or file
    pa.field("internal_nodes", pa.int32()),  # as drawn, before SymPy's automatic simplification
    _required("integrand", pa.string()),  # as given
)

FUNCTIONS: Final = _table(
    "functions",
    1,
    *_ORIGIN,
    _required("canonical", pa.string()),
    _required("fingerprint", pa.string()),  # of the canonical form
    pa.field("label", pa.string()),  # known by construction, else null
    pa.field("certificate", pa.string()),  # why that label is known
    pa.field("antiderivative", pa.string()),
)

ANSWER: Final = pa.struct(
    [
        _required("engine", pa.string()),
        _required("engine_version", pa.string()),
        _required("status", pa.string()),  # one of engines.Status
        _required("reason", pa.string()),
        pa.field("antiderivative", pa.string()),
        _required("seconds", pa.float64()),
    ]
)

OUTCOMES: Final = _table(
    "outcomes",
    1,
    *_ORIGIN,
    pa.field("canonical", pa.string()),  # null when the integrand could not be parsed
    pa.field("fingerprint", pa.string()),
    _required("label", pa.string()),
    _required("reason", pa.string()),
    pa.field("antiderivative", pa.string()),
    pa.field("certificate", pa.string()),  # what proves the label: the check passed, or the theorem or procedure
    pa.field("engine", pa.string()),  # whose answer decided
    pa.field("engine_version", pa.string()),
    _required("seconds", pa.float64()),  # over all engines and checks
    _required("verified", pa.bool_()),  # the antiderivative was differentiated and equals the integrand
    _required("answers", pa.list_(ANSWER)),  # every engine's own answer, in the order asked
)

_EXAMPLES = _table(
    "examples",
    2,  # 2: more than one test split
    *_ORIGIN,
    _required("canonical", pa.string()),
    _required("fingerprint", pa.string()),
    _required("skeleton", pa.string()),  # hash of the constant-masked prefix form
    _required("prefix", pa.string()),  # canonical form as prefix words, joined by spaces
    _required("num_nodes", pa.int32()),  # nodes of the canonical tree
    _required("target", pa.string()),  # elementary or solved
    _required("label", pa.int8()),  # 1 = elementary, or solved within the limit; 0 = not
    _required("outcome", pa.string()),  # the three-valued label behind it
    _required("reason", pa.string()),
    pa.field("certificate", pa.string()),
    _required("seconds", pa.float64()),
    _required("split", pa.string()),  # one of SPLITS
)
EXAMPLES: Final = replace(_EXAMPLES, derived=OF_EXAMPLES, extensible=True)

PREDICTIONS: Final = _table(
    "predictions",
    1,
    _required("id", pa.string()),
    _required("integrand", pa.string()),
    _required("canonical", pa.string()),
    _required("fingerprint", pa.string()),
    _required("generator", pa.string()),
    pa.field("grammar", pa.string()),
    pa.field("internal_nodes", pa.int32()),
    _required("num_nodes", pa.int32()),
    _required("outcome", pa.string()),
    _required("reason", pa.string()),
    _required("label", pa.int8()),  # the truth
    _required("probability", pa.float64()),  # of class 1, by the model
    _required("predicted", pa.int8()),
    _required("correct", pa.bool_()),
    _required("baseline_probability", pa.float64()),  # of class 1, by the best baseline
)


def table_path(folder: str | Path, table: Table) -> str:
    """The path of the table: the path itself if it names a Parquet file, else the table's file in that folder."""
    text = str(folder)
    return text if text.endswith(".parquet") else storage.join(text, table.file_name)


def write_table(
    folder: str | Path, rows: pa.Table | Iterable[Mapping[str, Any]], table: Table, *, compact: bool = False
) -> str:
    """Write the rows whole or not at all; returns the path. The same rows give the same bytes.

    A compact file takes longer to write and leaves out what `table.derived` can find again; `read_table` does.
    """
    arrow = table.check(rows, source=table.name) if isinstance(rows, pa.Table) else table.build(rows)
    if compact:
        arrow = compacted(arrow, table.derived)
    sink = pa.BufferOutputStream()
    try:
        # Parquet's pages follow Arrow's chunks, which are an accident of how a table was put together.
        pq.write_table(arrow.combine_chunks(), sink, compression="zstd", **(_COMPACT if compact else {}))
    except pa.ArrowInvalid as error:  # a null inside a list or struct that may hold none
        raise RecordsError(f"{table.name}: {error}") from error
    path = table_path(folder, table)
    storage.write_bytes(path, sink.getvalue().to_pybytes())
    return path


def read_table(folder: str | Path, table: Table) -> pa.Table:
    """The table in the folder (or the Parquet file itself), checked; raises RecordsError, StorageError.

    What the table extends comes first.
    """
    path = table_path(folder, table)
    data = storage.read_bytes(path)
    try:
        arrow = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowInvalid, OSError) as error:  # a damaged page is an OSError
        raise RecordsError(f"{path}: not a Parquet file: {error}") from error
    own = table.check(restored(arrow, table.derived), source=path)
    beside = path.rpartition("/")[0] or "."
    extension = Extension.read(beside) if table.extensible else None
    if extension is None:
        return own
    base = read_table(extension.find(beside), table)
    stays = pc.invert(pc.is_in(base["fingerprint"], value_set=pa.array(extension.without, pa.string())))
    return pa.concat_tables([base.filter(stays), own])
