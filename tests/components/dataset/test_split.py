from __future__ import annotations

from collections import Counter

import pytest

from intclass.components.dataset import DatasetConfig
from intclass.components.dataset._split import balance, check_balance, split_of
from intclass.components.shared.errors import ConfigError

FAMILIES = [f"{number:016x}" for number in range(20_000)]


def test_a_family_keeps_its_place_for_ever() -> None:
    """Whoever changes these values moves test examples of published datasets into training."""
    places = [split_of(family, DatasetConfig()) for family in FAMILIES[:40]]
    assert [number for number, place in enumerate(places) if place == "test"] == [11, 19, 24, 29, 38]
    assert [number for number, place in enumerate(places) if place == "validation"] == [16, 28, 33]


def test_the_fractions_are_kept() -> None:
    config = DatasetConfig(test_fraction=0.1, validation_fraction=0.2)
    counts: Counter[str] = Counter(split_of(family, config) for family in FAMILIES)
    for split, share in {"test": 0.1, "validation": 0.2, "train": 0.7}.items():
        assert counts[split] == pytest.approx(share * len(FAMILIES), abs=4 * (0.25 * len(FAMILIES)) ** 0.5)


def test_a_larger_test_split_holds_the_smaller_one() -> None:
    small, large = DatasetConfig(test_fraction=0.1), DatasetConfig(test_fraction=0.3)
    tests = [{family for family in FAMILIES if split_of(family, config) == "test"} for config in (small, large)]
    assert tests[0] < tests[1]


def test_another_seed_is_another_split() -> None:
    same = sum(split_of(each, DatasetConfig(seed=0)) == split_of(each, DatasetConfig(seed=1)) for each in FAMILIES)
    by_chance = 0.7**2 + 2 * 0.15**2
    assert same / len(FAMILIES) == pytest.approx(by_chance, abs=0.015)


def test_balance_counts_every_class_of_every_split() -> None:
    found = balance(["train", "test", "train", "test"], [1, 0, 1, 1], DatasetConfig())
    assert found == {
        "train": {"nonelementary": 0, "elementary": 2},
        "validation": {"nonelementary": 0, "elementary": 0},
        "test": {"nonelementary": 1, "elementary": 1},
    }


def test_a_split_without_a_class_is_refused_with_all_counts() -> None:
    config = DatasetConfig(target="solved")
    found = balance(["train", "train", "validation", "validation", "test"], [0, 1, 0, 1, 1], config)
    message = (
        r"the test split has no example that is 'unsolved' "
        r"\(train 1 unsolved, 1 solved; validation 1 unsolved, 1 solved; test 0 unsolved, 1 solved\): "
        "integrate more functions, or give --test-fraction"
    )
    with pytest.raises(ConfigError, match=message):
        check_balance(found)


def test_a_split_with_all_classes_is_not() -> None:
    check_balance(balance(["train", "validation", "test"] * 2, [0, 0, 0, 1, 1, 1], DatasetConfig()))
