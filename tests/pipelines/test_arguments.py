from __future__ import annotations

import pytest

from intclass.components.shared.errors import ConfigError
from intclass.pipelines.arguments import declared_parameters, parse_assignments
from intclass.pipelines.presets import PRESETS, find_preset


def test_values_are_read_by_the_declared_type() -> None:
    arguments = parse_assignments(
        ["count=500", "limit_seconds=0.5", "grammar=lample-charton", 'questions=["x", "1/x"]']
    )
    assert arguments == {"count": 500, "limit_seconds": 0.5, "grammar": "lample-charton", "questions": ["x", "1/x"]}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [("count", "write NAME=VALUE"), ("cuont=5", "with one of base_model"), ("count=many", "NUMBER_INTEGER")],
)
def test_bad_assignments_say_what_is_wrong(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_assignments([assignment])


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_set_only_declared_parameters(preset: str) -> None:
    assert set(find_preset(preset).arguments) <= set(declared_parameters())


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="no preset 'big'; there are laptop"):
        find_preset("big")
