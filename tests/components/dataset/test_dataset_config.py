from __future__ import annotations

from typing import Any

import pytest

from intclass.components.dataset import DatasetConfig
from intclass.components.shared.errors import ConfigError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "integrable"}, "target 'integrable' is none of elementary, solved"),
        ({"solved_within_seconds": 0.0}, r"solved_within_seconds is 0\.0; give a number above 0"),
        ({"solved_within_seconds": float("nan")}, "solved_within_seconds is nan"),
        ({"solved_within_seconds": float("inf")}, "solved_within_seconds is inf"),
        ({"test_fraction": 0.0}, r"test_fraction is 0\.0; give a number between 0 and 1"),
        ({"validation_fraction": 1.0}, r"validation_fraction is 1\.0; give a number between 0 and 1"),
        ({"test_fraction": 0.5, "validation_fraction": 0.5}, r"test_fraction 0\.5 and .* leave nothing to train on"),
        ({"max_per_skeleton": -1}, "max_per_skeleton is -1; give 0"),
        ({"hold_out_larger_than": -1}, r"hold_out_larger_than is -1; give 0 \(hold out none\)"),
        ({"hold_out_structures": 1.0}, r"hold_out_structures is 1\.0; give 0"),
    ],
)
def test_what_cannot_be_used_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DatasetConfig(**options)


def test_classes_are_named_label_0_first() -> None:
    assert DatasetConfig().class_names == ("nonelementary", "elementary")
    assert DatasetConfig(target="solved").class_names == ("unsolved", "solved")


def test_the_splits_are_those_that_are_asked_for() -> None:
    assert DatasetConfig().splits == ("train", "validation", "test")
    config = DatasetConfig(hold_out_structures=0.1, hold_out_generators=("parts",))
    assert config.splits == ("train", "validation", "test", "test_generator", "test_structure")
    assert DatasetConfig(hold_out_larger_than=9).splits[3:] == ("test_size",)
