from __future__ import annotations

import math
from typing import Any

import pytest

from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.config import Strategy
from intclass.components.shared.errors import ConfigError


@pytest.mark.parametrize(
    "options",
    [
        {"epochs": 0},
        {"patience": 0},
        {"seed": -1},
        {"batch_tokens": 0},
        {"max_length": 4},
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"learning_rate": math.inf},
        {"warmup_fraction": 1.0},
        {"dropout": -0.1},
        {"label_smoothing": math.nan},
        {"weight_decay": math.nan},
        {"class_weights": "heavy"},
        {"precision": "float64"},
        {"encoding": "postfix"},
        {"encoding": "infix"},  # which `small` does not know
        {"encoding": "prefix-tokens"},  # `small` has no others
        {"train_examples": 1},
        {"validation_examples": 0},
        {"base_model": ""},
        {"hidden_size": 100},  # not a multiple of 2 * 4 heads
        {"num_layers": 0},
        {"optimizer": "adam"},
        {"max_gradient_norm": 0.0},
        {"strategy": "gossip"},
        {"average_every": 0},
        {"outer_momentum": 1.0},
        {"outer_learning_rate": 0.0},
        {"consistency": "eventual"},
        {"staleness": -1},
        {"servers": 0},
        {"workers": 0},
        {"checkpoint_every": 0},
    ],
)
def test_an_option_that_makes_no_sense_is_refused_by_name(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ConfigError, match=f"^{name} is .*; "):
        FinetuneConfig(**options)


def test_sharded_weights_are_not_compiled() -> None:
    with pytest.raises(ConfigError, match=r"^compile is True; fsdp fetches"):
        FinetuneConfig(compile=True, strategy="fsdp")


def test_every_base_model_but_small_may_read_infix() -> None:
    assert FinetuneConfig(base_model="tbs17/MathBERT", encoding="infix").encoding == "infix"


@pytest.mark.parametrize("strategy", ["parameter-server", "fsdp"])
def test_muon_needs_whole_matrices(strategy: Strategy) -> None:
    with pytest.raises(ConfigError, match=f"^optimizer is 'muon'; {strategy} cuts matrices"):
        FinetuneConfig(optimizer="muon", strategy=strategy)
