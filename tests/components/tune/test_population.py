from __future__ import annotations

from pathlib import Path

import pytest
from optuna.trial import TrialState

from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.checkpoint import FORKABLE
from intclass.components.shared.errors import ConfigError
from intclass.components.tune.config import TuneConfig
from intclass.components.tune.limits import EXPLORABLE, refuse_for_population
from intclass.components.tune.reading import parse_space
from intclass.components.tune.study import Study

SPACE = parse_space("dropout: {min: 0.0, max: 0.9}\nhidden_size: [16, 32, 64]\n", source="test")
RULES = TuneConfig(sampler="pbt", pruner="none", population=4, interval=2)


def study(folder: Path) -> Study:
    return Study(folder, SPACE, FinetuneConfig(epochs=6), RULES, dataset="examples")


def test_a_generation_waits_for_the_one_before_and_the_worst_copy_the_best(tmp_path: Path) -> None:
    opened = study(tmp_path)
    first = [opened.propose() for _ in range(4)]
    assert first == [0, 1, 2, 3]
    assert opened.propose() is None
    for number, loss in zip(first, (0.4, 0.1, 0.3, 0.2), strict=True):
        assert number is not None
        opened.tell(number, TrialState.COMPLETE, [loss])
    second = [opened.propose() for _ in range(4)]
    assert second == [4, 5, 6, 7]
    assert [opened.parent(number) for number in range(8)] == [None] * 4 + [1, 1, 2, 3]
    for number in (5, 6, 7):
        assert opened.point(number) == opened.point(number - 4)
    assert opened.point(4)["hidden_size"] == opened.point(1)["hidden_size"]  # its weights have that shape
    assert opened.point(4)["dropout"] != opened.point(1)["dropout"]


def test_proposals_follow_from_the_seed_and_the_results(tmp_path: Path) -> None:
    points = []
    for name in ("one", "two"):
        opened = study(tmp_path / name)
        for number in range(8):
            assert opened.propose() == number
            opened.tell(number, TrialState.COMPLETE, [(number * 7) % 5])
        points.append([opened.point(number) for number in range(8)])
    assert points[0] == points[1]


def test_a_failed_member_is_replaced_and_a_failed_generation_is_the_end(tmp_path: Path) -> None:
    opened = study(tmp_path)
    for number in range(4):
        assert opened.propose() == number
        opened.tell(number, TrialState.FAIL if number else TrialState.COMPLETE, None if number else [0.5])
    assert [opened.parent(opened.propose() or 0) for _ in range(4)] == [0, 0, 0, 0]
    for number in range(4, 8):
        opened.tell(number, TrialState.FAIL)
    with pytest.raises(ConfigError, match="all 4 trials of generation 1 failed"):
        opened.propose()


def test_what_may_change_in_training_is_what_checkpoints_allow() -> None:
    assert FORKABLE - {"patience"} == EXPLORABLE


@pytest.mark.parametrize(
    ("text", "message"), [("epochs: [3, 5]\ndropout: [0.1]", "epochs"), ("hidden_size: [16, 32]", "during training")]
)
def test_a_space_with_nothing_to_change_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        refuse_for_population(parse_space(text, source="test"))
