from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pytest

from intclass.components.dataset import DatasetConfig
from intclass.components.dataset._split import assign_splits, balance, check_balance, split_of, split_rows
from intclass.components.shared.errors import ConfigError

Row = tuple[str, str, int, str]  # family, generator, nodes, shape
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
        "integrate more functions, or give --test-fraction more room"
    )
    with pytest.raises(ConfigError, match=message):
        check_balance(found)


def test_a_split_with_all_classes_is_not() -> None:
    check_balance(balance(["train", "validation", "test"] * 2, [0, 0, 0, 1, 1, 1], DatasetConfig()))


def test_a_held_out_split_may_lack_a_class() -> None:
    config = DatasetConfig(hold_out_larger_than=9)
    splits = [*["train", "validation", "test"] * 2, "test_size"]
    found = balance(splits, [0, 0, 0, 1, 1, 1, 1], config)
    check_balance(found)
    assert found["test_size"] == {"nonelementary": 0, "elementary": 1}


def _table(rows: Sequence[Row]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table(dict(zip(("family", "generator", "num_nodes", "shape"), columns, strict=True)))


def _many(count: int) -> list[Row]:
    """Families of three near-copies, which need not agree in generator, size or shape."""
    dice = random.Random(0)
    generators = ("forward", "forward", "forward", "backward", "parts")
    return [
        (f"{row // 3:016x}", dice.choice(generators), dice.randrange(3, 40), f"{dice.randrange(200):016x}")
        for row in range(count)
    ]


HOLD_OUT = DatasetConfig(hold_out_generators=("parts",), hold_out_larger_than=30, hold_out_structures=0.1)


class TestHeldOut:
    def test_what_a_row_is_decides_before_chance(self) -> None:
        rows = [
            ("a", "parts", 50, "s"),
            ("b", "forward", 31, "s"),
            ("c", "forward", 30, "s"),
            *((f"d{number}", "forward", 5, f"{number:x}") for number in range(100)),
        ]
        splits = assign_splits(_table(rows), HOLD_OUT)
        assert splits[:3] == ["test_generator", "test_size", split_of("c", HOLD_OUT)]
        assert splits[3:].count("test_structure") == pytest.approx(10, abs=9)

    def test_what_is_dropped_is_counted(self) -> None:
        table = _table([("a", "parts", 5, "s"), ("b", "parts", 5, "t"), ("b", "forward", 5, "u")])
        rows, splits, dropped = split_rows(table, DatasetConfig(hold_out_generators=("parts",)))
        assert rows["shape"].to_pylist() == ["s", "u"]
        assert splits == ["test_generator", split_of("b", DatasetConfig())]
        assert dropped == {"half_held_out": 1}

    def test_nothing_held_out_is_in_train_and_no_family_is_torn(self) -> None:
        rows = _many(3000)
        splits = assign_splits(_table(rows), HOLD_OUT)
        learnt = {"train", "validation"}
        shapes = {row[3] for row, split in zip(rows, splits, strict=True) if split == "test_structure"}
        of_family: dict[str, set[str | None]] = {}
        for (family, generator, nodes, shape), split in zip(rows, splits, strict=True):
            of_family.setdefault(family, set()).add(split)
            if split in learnt:
                assert generator != "parts"
                assert nodes <= 30
                assert shape not in shapes
        assert all(len(found - {None}) == 1 for found in of_family.values() if found & learnt)
        assert {split for found in of_family.values() for split in found} == {*HOLD_OUT.splits, None}

    def test_the_order_of_the_rows_changes_nothing(self) -> None:
        rows = _many(300)
        places = dict(zip(rows, assign_splits(_table(rows), HOLD_OUT), strict=True))
        random.Random(1).shuffle(rows)
        assert dict(zip(rows, assign_splits(_table(rows), HOLD_OUT), strict=True)) == places

    def test_more_rows_bring_no_test_row_into_train(self) -> None:
        rows = _many(900)
        few = rows[::2]
        before, after = (dict(zip(some, assign_splits(_table(some), HOLD_OUT), strict=True)) for some in (few, rows))
        moved = {(split, after[row]) for row, split in before.items() if after[row] != split}
        assert moved
        assert {after for _, after in moved} == {None}

    def test_without_a_wish_chance_alone_decides(self) -> None:
        rows = _many(300)
        assert assign_splits(_table(rows), DatasetConfig()) == [split_of(row[0], DatasetConfig()) for row in rows]

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            (
                DatasetConfig(hold_out_generators=("part",)),
                "the generator .part.; there are backward, forward, parts",
            ),
            (DatasetConfig(hold_out_larger_than=39), "has more than 39 nodes, the largest has 39: give a smaller"),
            (DatasetConfig(hold_out_structures=1e-9), "none of the 200 tree shapes is held out: give"),
        ],
    )
    def test_holding_out_nothing_is_refused(self, config: DatasetConfig, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            assign_splits(_table(_many(3000)), config)
