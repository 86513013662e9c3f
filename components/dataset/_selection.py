"""Which labelled rows become examples: one of each function, and few of those that differ in constants alone.

Each rule takes a table and returns what it keeps and how many rows it dropped, by reason. Rows keep their order, and of
several alike the first is kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container

import pyarrow as pa


def drop_duplicates(rows: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    """The first row of each fingerprint; none where rows of one fingerprint have different classes."""
    fingerprints = rows["fingerprint"].to_pylist()
    classes = _classes_by(fingerprints, rows)
    first: dict[str, int] = {}
    for row, fingerprint in enumerate(fingerprints):
        if len(classes[fingerprint]) == 1:
            first.setdefault(fingerprint, row)
    conflicting = sum(len(classes[fingerprint]) > 1 for fingerprint in fingerprints)
    kept = rows.take(pa.array(first.values(), pa.int64()))
    return kept, {"conflicting": conflicting, "duplicate": len(rows) - len(kept) - conflicting}


def drop_held_out(rows: pa.Table, families: Container[str]) -> tuple[pa.Table, dict[str, int]]:
    """The rows whose family is none of those."""
    mask = [family not in families for family in rows["family"].to_pylist()]
    kept = rows.filter(pa.array(mask, pa.bool_()))
    return kept, {"held_out": len(rows) - len(kept)}


def limit_skeletons(rows: pa.Table, most: int) -> tuple[pa.Table, dict[str, int]]:
    """At most so many rows of each skeleton; 0 keeps all."""
    seen: Counter[str] = Counter()
    mask = []
    for skeleton in rows["skeleton"].to_pylist():
        seen[skeleton] += 1
        mask.append(not most or seen[skeleton] <= most)
    kept = rows.filter(pa.array(mask, pa.bool_()))
    return kept, {"same_skeleton": len(rows) - len(kept)}


def count_mixed_skeletons(rows: pa.Table) -> int:
    """How many skeletons have rows of both classes: there the constants decide."""
    return sum(len(found) > 1 for found in _classes_by(rows["skeleton"].to_pylist(), rows).values())


def _classes_by(keys: list[str], rows: pa.Table) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for key, label in zip(keys, rows["class"].to_pylist(), strict=True):
        found[key].add(label)
    return found
