from __future__ import annotations

import pyarrow as pa
import pytest

from intclass.components.dataset._selection import (
    count_mixed_skeletons,
    drop_duplicates,
    drop_held_out,
    limit_skeletons,
)


def rows(column: str, *pairs: tuple[str, int]) -> pa.Table:
    """Rows that are numbered in the order given."""
    keys, classes = zip(*pairs, strict=True)
    return pa.table({"row": range(len(pairs)), column: keys, "class": classes})


class TestDuplicates:
    def test_the_first_of_each_stays(self) -> None:
        kept, dropped = drop_duplicates(rows("fingerprint", ("a", 1), ("b", 0), ("a", 1), ("c", 1), ("a", 1)))
        assert kept["row"].to_pylist() == [0, 1, 3]
        assert dropped == {"conflicting": 0, "duplicate": 2}

    def test_where_classes_disagree_none_stays(self) -> None:
        kept, dropped = drop_duplicates(rows("fingerprint", ("a", 1), ("b", 0), ("a", 0), ("a", 1), ("b", 0)))
        assert kept["row"].to_pylist() == [1]
        assert dropped == {"conflicting": 3, "duplicate": 1}


class TestSkeletons:
    table = rows("skeleton", ("s", 1), ("t", 0), ("s", 0), ("s", 1), ("t", 0), ("u", 1))

    @pytest.mark.parametrize(("most", "kept"), [(1, [0, 1, 5]), (2, [0, 1, 2, 4, 5]), (0, [0, 1, 2, 3, 4, 5])])
    def test_so_many_of_each_stay(self, most: int, kept: list[int]) -> None:
        table, dropped = limit_skeletons(self.table, most)
        assert table["row"].to_pylist() == kept
        assert dropped == {"same_skeleton": 6 - len(kept)}

    def test_mixed_ones_are_counted(self) -> None:
        assert count_mixed_skeletons(self.table) == 1


def test_held_out_families_go() -> None:
    table, dropped = drop_held_out(rows("family", ("s", 1), ("t", 0), ("s", 0), ("u", 1)), {"s", "nowhere"})
    assert table["row"].to_pylist() == [1, 3]
    assert dropped == {"held_out": 2}
