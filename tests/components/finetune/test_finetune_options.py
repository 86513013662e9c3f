from __future__ import annotations

import pytest

from intclass.components.finetune import FinetuneConfig, with_options
from intclass.components.shared.errors import ConfigError


def test_what_a_search_found_takes_the_place_of_the_base() -> None:
    config = with_options({"learning_rate": 2e-5, "class_weights": "balanced"}, epochs=3, learning_rate=1e-3)
    assert config == FinetuneConfig(epochs=3, learning_rate=2e-5, class_weights="balanced")


def test_whole_numbers_become_whole_again() -> None:
    config = with_options({"batch_tokens": 2048.0, "hidden_size": 64.0, "dropout": 0.0})
    assert [type(value) for value in (config.batch_tokens, config.hidden_size, config.dropout)] == [int, int, float]


def test_no_options_change_nothing() -> None:
    assert with_options({}, epochs=3) == FinetuneConfig(epochs=3)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ConfigError, match="depth: no option of finetune; there are base_model"):
        with_options({"depth": 3})
