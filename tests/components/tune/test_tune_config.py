from __future__ import annotations

from typing import Any

import pytest

from intclass.components.finetune import FinetuneConfig
from intclass.components.shared.errors import ConfigError
from intclass.components.tune import ClusterConfig, TuneConfig


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "annealing"}, "sampler is 'annealing'"),
        ({"pruner": "often"}, "pruner is 'often'"),
        ({"trials": 0}, "trials is 0"),
        ({"reduction": 1}, "at least 2"),
        ({"truncation": 0.6}, "up to 0.5"),
        ({"objectives": ("validation_loss", "parameters")}, "give none"),
        ({"objectives": ("validation_loss", "parameters"), "sampler": "cmaes", "pruner": "none"}, "several objectives"),
        ({"sampler": "pbt"}, "--pruner none"),
        ({"sampler": "pbt", "pruner": "none", "trials": 5}, "--population"),
        ({"sampler": "pbt", "pruner": "none", "population": 3}, "at least 4"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TuneConfig(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cpu": "many"}, "cpu is 'many'"),
        ({"kind": "pod"}, "kind is 'pod'"),
        ({"resume_policy": "Always"}, "resume_policy"),
        ({"deadline_seconds": 0}, "at least 1"),
    ],
)
def test_cluster_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ClusterConfig(**options)


def test_each_generation_of_each_member_is_a_trial() -> None:
    config = TuneConfig(sampler="pbt", pruner="none", population=6, interval=4)
    assert config.total(FinetuneConfig(epochs=10)) == 6 * 3
    assert TuneConfig(trials=5).total(FinetuneConfig()) == 5
    assert TuneConfig().total(FinetuneConfig()) == 32
