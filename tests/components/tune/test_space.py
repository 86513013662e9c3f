from __future__ import annotations

from typing import Any

import pytest

from intclass.components.finetune import FinetuneConfig
from intclass.components.shared.errors import ConfigError, StorageError
from intclass.components.tune.reading import BUILT_IN, parse_space, read_space
from intclass.components.tune.space import Choice, Range, SearchSpace, configuration

TEXT = """
learning_rate: {min: 1e-4, max: 1e-2, log: true}
batch_tokens: [512, 1024]
optimizer: [adamw, sgd]
weight_decay: {min: 0.0, max: 0.3, step: 0.1, when: {optimizer: adamw}}
num_layers: {min: 2, max: 6}
"""
SPACE = parse_space(TEXT, source="test")


def test_a_file_says_what_is_searched() -> None:
    assert SPACE.names == ["learning_rate", "batch_tokens", "optimizer", "weight_decay", "num_layers"]
    assert SPACE["learning_rate"].domain == Range(low=1e-4, high=1e-2, log=True)
    assert SPACE["batch_tokens"].domain == Choice((512, 1024))
    assert SPACE["num_layers"].domain == Range(low=2, high=6, whole=True)
    assert SPACE.is_conditional


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_spaces_of_the_package_fit_finetune(name: str) -> None:
    base = FinetuneConfig(base_model="small" if name == "small" else "tbs17/MathBERT")
    space = read_space(name)
    space.check(base)
    assert not space.is_conditional  # Katib knows no conditions
    assert "learning_rate" in space.names


def test_a_share_is_a_value_and_a_value_is_a_share() -> None:
    rate, decay, layers = (SPACE[name].domain for name in ("learning_rate", "weight_decay", "num_layers"))
    assert rate.at(0.5) == pytest.approx(1e-3)
    assert rate.share(1e-3) == pytest.approx(0.5)
    assert [decay.at(share) for share in (0.0, 0.26, 0.5, 0.99)] == [0.0, 0.1, 0.2, 0.3]
    assert [layers.at(share) for share in (0.0, 0.39, 0.99)] == [2, 3, 6]
    assert layers.share(6) == 1
    assert SPACE["optimizer"].domain.at(0.7) == "sgd"


def test_points_of_a_range_are_spread_from_end_to_end() -> None:
    assert SPACE["learning_rate"].domain.points(3) == [1e-4, 1e-3, 1e-2]
    assert SPACE["weight_decay"].domain.points(9) == [0.0, 0.1, 0.2, 0.3]
    assert SPACE["num_layers"].domain.points(3) == [2, 4, 6]
    assert SPACE["learning_rate"].domain.points(1) == [pytest.approx(1e-3)]


def test_the_grid_has_every_combination_once_and_closed_parameters_never() -> None:
    grid = list(SPACE.grid(2))
    assert len(grid) == 2 * 2 * (2 + 1) * 2
    assert len({tuple(point.items()) for point in grid}) == len(grid)
    assert all(("weight_decay" in point) == (point["optimizer"] == "adamw") for point in grid)


def test_a_neighbour_is_within_the_range_and_another_value() -> None:
    layers = SPACE["num_layers"].domain
    assert isinstance(layers, Range)
    assert layers.neighbour(2, 1.25, 1) == 3
    assert layers.neighbour(6, 1.25, 1) == 6
    assert layers.neighbour(5, 0.8, -1) == 4
    rate = SPACE["learning_rate"].domain
    assert isinstance(rate, Range)
    assert rate.neighbour(9e-3, 1.25, 1) == 1e-2


def test_a_point_is_a_configuration() -> None:
    point = {"learning_rate": 1e-3, "num_layers": 3}
    assert configuration(FinetuneConfig(epochs=7), point) == FinetuneConfig(epochs=7, learning_rate=1e-3, num_layers=3)


def test_the_space_survives_as_plain_values() -> None:
    plain: list[dict[str, Any]] = SPACE.to_json()
    assert [each["name"] for each in plain] == SPACE.names
    assert plain[3]["when"] == {"parameter": "optimizer", "options": ("adamw",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "one option"),
        ("- dropout", "one option"),
        ("{", "not YAML"),
        ("{}", "empty"),
        ("droput: [0.1]", "no option"),
        ("device: [cpu]", "no option"),
        ("dropout: 0.1", "a list of values"),
        ("dropout: {min: 0.1}", "min and max"),
        ("dropout: {min: 0.1, max: 0.2, by: 3}", "a list of values"),
        ("dropout: {min: a, max: 0.2}", "no number"),
        ("dropout: {min: 0.2, max: 0.1}", "min below max"),
        ("dropout: {min: 0.0, max: 0.1, log: true}", "min above 0"),
        ("dropout: {min: 0.1, max: 0.2, log: true, step: 0.1}", "one of both"),
        ("dropout: {min: 0.1, max: 0.2, step: 0.5}", "within its range"),
        ("dropout: [0.1, 0.1]", "each once"),
        ("dropout: []", "at least one"),
        ("dropout: [much]", "no float"),
        ("dropout: [[0.1]]", "neither a number nor a word"),
        ("epochs: {min: 1.5, max: 3}", "whole number"),
        ("epochs: [1.5]", "no int"),
        ("schedule: {min: 1, max: 2}", "list of values"),
        ("reorder_arguments: [1, 0]", "no bool"),
        ("dropout: {options: [0.1], log: true}", "options are a list"),
        ("dropout: {min: 0.0, max: 0.1, when: sgd}", "write when as"),
        ("dropout: {min: 0.0, max: 0.1, when: {optimizer: sgd}}", "stand before it"),
        ("optimizer: [adamw]\ndropout: {min: 0.0, max: 0.1, when: {optimizer: sgd}}", "none of its options"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        parse_space(text, source="space.yaml")
    assert str(refused.value).startswith("space.yaml: ")


def test_values_that_finetune_refuses_are_refused_at_the_door() -> None:
    space = parse_space("hidden_size: [64, 65]", source="test")
    with pytest.raises(ConfigError, match="hidden_size is 65"):
        space.check(FinetuneConfig())


def test_a_missing_file_and_a_double_entry_are_refused() -> None:
    with pytest.raises(StorageError, match="no such file"):
        read_space("nowhere.yaml")
    with pytest.raises(ConfigError, match="twice"):
        SearchSpace((SPACE["optimizer"], SPACE["optimizer"]))
