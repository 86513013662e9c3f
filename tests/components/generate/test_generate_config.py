from __future__ import annotations

from typing import Any

import pytest

from intclass.components.generate import GenerateConfig, parse_internal_nodes
from intclass.components.shared.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "nodes"), [("10", (10, 10)), ("3-12", (3, 12)), (" 3 - 12 ", (3, 12)), ("1-1", (1, 1))]
)
def test_ranges_are_read(text: str, nodes: tuple[int, int]) -> None:
    assert parse_internal_nodes(text) == nodes


@pytest.mark.parametrize("text", ["", "ten", "3-", "-3", "3-4-5", "3..7", "1.5", "12345678"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="write one number such as 10, or a range such as 3-12"):
        parse_internal_nodes(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count 0: at least 1"),
        ({"internal_nodes": (0, 3)}, "internal nodes 0-3: give a range A-B with 1 <= A <= B <= 50"),
        ({"internal_nodes": (7, 3)}, "internal nodes 7-3"),
        ({"internal_nodes": (3, 51)}, "internal nodes 3-51"),
        ({"seed": -1}, "seed -1: must be a whole number from 0"),
        ({"seed": 2**63}, "below 2\\^63"),
        ({"start_index": -5}, "start_index -5"),
        ({"workers": -1}, "workers -1: give a number of processes, or 0"),
    ],
)
def test_what_cannot_be_used_is_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        GenerateConfig(**{"count": 10, **options})


def test_the_record_leaves_out_what_changes_no_function() -> None:
    assert GenerateConfig(count=3, workers=8).record() == GenerateConfig(count=3, workers=1).record()
    assert GenerateConfig(count=3).record() == {
        "count": 3,
        "internal_nodes": (3, 7),
        "grammar": "intclass",
        "families": {"forward": 1.0},
        "seed": 0,
        "start_index": 0,
    }
