from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from intclass.components.evaluate.groups import MAX_GROUPS, OTHER, UNKNOWN_SIZE, Group, measure_groups


def _row(**fields: Any) -> dict[str, Any]:
    return {
        "internal_nodes": 3,
        "num_nodes": 4,
        "grammar": "intclass",
        "generator": "forward",
        "reason": "proved",
        "prefix": "sin x",
        "label": 0,
    } | fields


def _measure(rows: list[dict[str, Any]], correct: list[int]) -> dict[str, tuple[Group, ...]]:
    right = np.array(correct, dtype=bool)
    return measure_groups(rows, model_correct=right, baseline_correct=~right)


def test_a_group_by_hand() -> None:
    rows = [_row(internal_nodes=3, label=1), *[_row(internal_nodes=5)] * 3, _row(internal_nodes=5, label=1)]
    small, large = _measure(rows, [1, 1, 1, 0, 1])["internal_nodes"]
    assert (small.name, small.examples, small.positives, small.accuracy, small.majority) == ("3", 1, 1, 1, 1)
    assert (large.name, large.examples, large.positives) == ("5", 4, 1)
    assert (large.accuracy, large.baseline, large.majority) == (0.75, 0.25, 0.75)
    assert large.low < 0.75 < large.high


def test_sizes_are_in_the_order_of_numbers_and_unknown_ones_last() -> None:
    rows = [_row(internal_nodes=size) for size in (10, None, 9, 3)]
    assert [group.name for group in _measure(rows, [1] * 4)["internal_nodes"]] == ["3", "9", "10", UNKNOWN_SIZE]


@pytest.mark.parametrize("sizes", [[5] * 20, list(range(1, 61)), [2] * 50 + list(range(3, 40)), [1, 100]])
def test_node_bins_hold_every_row_once(sizes: list[int]) -> None:
    groups = _measure([_row(num_nodes=size) for size in sizes], [1] * len(sizes))["num_nodes"]
    assert sum(group.examples for group in groups) == len(sizes)
    assert len(groups) <= 6
    for group in groups:
        low, high = (
            (int(edge) for edge in (group.name.split("-") * 2)[:2]) if "-" in group.name else (int(group.name),) * 2
        )
        assert group.examples == sum(low <= size <= high for size in sizes)


def test_a_row_counts_once_for_each_operator_in_it() -> None:
    rows = [_row(prefix="add sin x exp sin pi"), _row(prefix="mul exp x int 1 0 end")]
    groups = {group.name: group for group in _measure(rows, [1, 0])["operator"]}
    assert groups.keys() == {"sin", "exp"}  # add and mul are left out, x and constants are no operators
    assert (groups["sin"].examples, groups["exp"].examples) == (1, 2)
    assert groups["exp"].accuracy == 0.5


def test_rare_reasons_are_taken_together() -> None:
    rows = [_row(reason=f"reason {number}") for number in range(20) for _ in range(2 if number < MAX_GROUPS else 1)]
    groups = _measure(rows, [1] * len(rows))["reason"]
    assert len(groups) == MAX_GROUPS + 1
    assert (groups[-1].name, groups[-1].examples) == (OTHER, 20 - MAX_GROUPS)


def test_a_file_without_a_grammar_has_a_group_of_its_own() -> None:
    groups = _measure([_row(), _row(grammar=None)], [1, 1])["grammar"]
    assert {group.name for group in groups} == {"intclass", "none"}


def test_certificates_are_grouped_without_their_particulars() -> None:
    certificates = [
        "Liouville 1835: y' + (x**2)'*y = 1 has no rational solution",
        "Liouville 1835: y' + (3*x**2)'*y = 1 has no rational solution",
        "derivative equal at 12 of 12 points (ball arithmetic, 128 bits)",
        "derivative minus integrand simplifies to 0",
        None,
    ]
    groups = _measure([_row(certificate=each) for each in certificates], [1, 0, 1, 1, 1])["certificate"]
    assert {group.name: (group.examples, group.accuracy) for group in groups} == {
        "Liouville 1835": (2, 0.5),
        "differentiation": (2, 1),
        "none": (1, 1),
    }
