from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from intclass.components.dataset._encoding import CHUNK_ROWS, Encoding, encode, encode_rows
from intclass.components.shared.expressions import family, family_shape, from_prefix, parse, skeleton_hash


def test_an_encoding_is_words_keys_and_size() -> None:
    assert encode("12*x + exp(x**2)") == Encoding(
        prefix="add mul int 1 2 end x exp pow x 2",
        skeleton=skeleton_hash(parse("5*x + exp(x**7)")),
        family=family(parse("x + exp(x**2)")),
        shape=family_shape(parse("x + exp(x**2)")),
        num_nodes=8,  # add, mul, 12, x, exp, pow, x, 2
    )


@pytest.mark.parametrize(("text", "nodes"), [("x", 1), ("10", 1), ("123*x", 3), ("10*x**100", 5), ("sin(x)", 2)])
def test_an_integer_is_one_node(text: str, nodes: int) -> None:
    encoding = encode(text)
    assert encoding is not None
    assert encoding.num_nodes == nodes


@pytest.mark.parametrize("text", ["", "import os", "gamma(x)", "Integral(x, x)"])
def test_what_cannot_be_read_has_none(text: str) -> None:
    assert encode(text) is None


def test_rows_get_columns_and_the_unreadable_are_counted() -> None:
    rows = pa.table({"canonical": ["x", "gamma(x)", "x**2"], "row": [0, 1, 2]})
    kept, dropped = encode_rows(rows)
    assert kept["row"].to_pylist() == [0, 2]
    assert [from_prefix(words.split()) for words in kept["prefix"].to_pylist()] == [parse("x"), parse("x**2")]
    assert kept["num_nodes"].to_pylist() == [1, 3]
    assert dropped == {"unreadable": 1}


def test_no_rows() -> None:
    kept, dropped = encode_rows(pa.table({"canonical": pa.array([], pa.string())}))
    assert (len(kept), dropped) == (0, {"unreadable": 0})
    assert kept.column_names == ["canonical", "prefix", "skeleton", "family", "shape", "num_nodes"]


def test_the_number_of_processes_changes_nothing(outcomes: Callable[..., list[dict[str, Any]]]) -> None:
    texts = [row["canonical"] for row in outcomes(CHUNK_ROWS + 50)]
    texts[7] = "gamma(x)"
    rows = pa.table({"canonical": texts})
    alone, together = (encode_rows(rows, workers=workers) for workers in (1, 2))
    assert alone[0].equals(together[0])
    assert alone[1] == together[1] == {"unreadable": 1}
