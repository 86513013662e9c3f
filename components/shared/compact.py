"""Tables without what their other columns say: small files that are read back whole.

In a compact table, null stands for the value that can be derived from another column, and a column of nothing else is
left out. A value that cannot be derived stays, so nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Derived:
    """A column of type `kind` whose values follow from those of the column `source`."""

    name: str
    kind: pa.DataType
    source: str
    derive: Callable[[list[str]], Sequence[Any]]

    def values(self, table: pa.Table) -> pa.Array:
        """What the column should hold in this table."""
        return pa.array(self.derive(table[self.source].to_pylist()), self.kind)


def compacted(table: pa.Table, derived: Sequence[Derived]) -> pa.Table:
    """The table without the values that `restored` finds again."""
    columns = {name: table[name] for name in table.column_names}
    for each in derived:
        column = table[each.name]
        same = pc.equal(column, each.values(table))
        columns[each.name] = pc.if_else(same, pa.scalar(None, each.kind), column)
    kept = [name for name, column in columns.items() if name not in _names(derived) or column.null_count < len(column)]
    return pa.table({name: columns[name] for name in kept}).replace_schema_metadata(table.schema.metadata)


def restored(table: pa.Table, derived: Sequence[Derived]) -> pa.Table:
    """The table with all values that can be derived, where they are missing; other tables come back as they are."""
    for each in derived:
        missing = each.name not in table.column_names
        if each.source not in table.column_names or not (missing or table[each.name].null_count):
            continue
        found = each.values(table)
        if missing:
            table = table.append_column(each.name, found)
        else:
            place = table.column_names.index(each.name)
            table = table.set_column(place, each.name, pc.coalesce(table[each.name], found))
    return table


def _names(derived: Sequence[Derived]) -> set[str]:
    return {each.name for each in derived}


def _as_given(integrands: list[str]) -> list[str]:
    """The program writes what it draws in canonical form."""
    return integrands


def _fingerprints(texts: list[str]) -> list[str]:
    from intclass.components.shared.expressions import digest

    return [digest(text) for text in texts]


def _sizes(prefixes: list[str]) -> list[int]:
    from intclass.components.shared.expressions import count_nodes

    return [count_nodes(prefix) for prefix in prefixes]


# In this order: what is derived first may be what the next is derived from.
OF_EXAMPLES: Final = (
    Derived("canonical", pa.string(), "integrand", _as_given),
    Derived("fingerprint", pa.string(), "canonical", _fingerprints),
    Derived("num_nodes", pa.int32(), "prefix", _sizes),
)
