from __future__ import annotations

import pytest

from intclass.components.shared.errors import ConfigError
from intclass.components.tune.objectives import dominates, find_objectives, pareto_front


def test_one_dominates_where_it_is_nowhere_worse() -> None:
    assert dominates([1, 2], [1, 3])
    assert not dominates([1, 2], [1, 2])
    assert not dominates([1, 4], [2, 3])


def test_the_front_holds_what_none_dominates_best_first() -> None:
    keys = {0: [3.0, 1.0], 1: [1.0, 3.0], 2: [2.0, 2.0], 3: [3.0, 3.0], 4: [2.0, 2.5]}
    assert pareto_front(keys) == [1, 2, 0]
    assert pareto_front({7: [1.0], 8: [1.0], 9: [2.0]}) == [7, 8]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "at least one"),
        (["validation_loss", "validation_loss"], "each once"),
        (["loss"], "choose from"),
        (["parameters", "validation_loss"], "no epoch"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_objectives(names)


def test_larger_is_better_where_the_objective_says_so() -> None:
    loss, accuracy = find_objectives(["validation_loss", "validation_accuracy"])
    assert (loss.direction, accuracy.direction) == ("minimize", "maximize")
    assert loss.key(1) < loss.key(2)
    assert accuracy.key(2) < accuracy.key(1)
