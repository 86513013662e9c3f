from __future__ import annotations

import math
from typing import Any

import pytest

from intclass.components.generate import FAMILIES, GenerateConfig, parse_families, parse_internal_nodes
from intclass.components.generate._families import MADE
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
    ("text", "families"),
    [
        ("forward", {"forward": 1.0}),
        ("parts:0.5, backward", {"parts": 0.5, "backward": 1.0}),
        (" forward : 2 ,disguised:3", {"forward": 2.0, "disguised": 3.0}),
    ],
)
def test_families_are_read(text: str, families: dict[str, float]) -> None:
    assert parse_families(text) == families


@pytest.mark.parametrize(
    ("text", "message"),
    [("forward:two", "'two' is no weight; write names such as forward:2"), ("parts,parts", "parts is named twice")],
)
def test_what_is_no_list_of_families_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_families(text)


def test_every_family_can_be_drawn() -> None:
    assert set(FAMILIES) == {"forward", *MADE}


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
        ({"families": {}}, "families: none given; there are forward, backward"),
        ({"families": {"ode": 1.0}}, "family 'ode': there are forward, backward, parts"),
        ({"families": {"parts": 0.0}}, "family 'parts': the weight 0.0 is not a finite number above 0"),
        ({"families": {"parts": math.nan}}, "the weight nan"),
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
