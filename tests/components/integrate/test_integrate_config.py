from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

import intclass.components.integrate as stage
from intclass.components.integrate import IntegrateConfig
from intclass.components.shared.errors import ConfigError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engines": ()}, "names no engine"),
        ({"engines": ("maple",)}, "no engine 'maple'"),
        ({"engines": ("sympy", "sympy")}, "twice"),
        ({"limit_seconds": 0.0}, "--limit-seconds 0.0 must be more than 0"),
        ({"limit_seconds": float("nan")}, "--limit-seconds nan"),
        ({"memory_mb": 10}, "--memory-mb 10 is too little"),
        ({"workers": -1}, "--workers -1"),
        ({"scheduler": "greedy"}, "--scheduler greedy is none of balance, steal"),
        ({"shard": 3, "num_shards": 3}, "--shard 3 must be from 0 to 2"),
        ({"shard": -1}, "--shard -1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        IntegrateConfig(**options)


def test_no_workers_means_one_for_each_core() -> None:
    assert IntegrateConfig().busy_workers >= 1
    assert IntegrateConfig(workers=7).busy_workers == 7


def test_the_options_that_outcomes_depend_on_are_all_but_place_and_speed() -> None:
    names = {field.name for field in fields(IntegrateConfig)}
    assert names - set(IntegrateConfig().record()) == {"workers", "scheduler", "journal"}
    assert set(IntegrateConfig().record()) - set(IntegrateConfig().decisive()) == {"shard", "num_shards"}


def test_the_public_names() -> None:
    assert sorted(stage.__all__) == [
        "Answer",
        "Engine",
        "IntegrateConfig",
        "JobConfig",
        "Solver",
        "Status",
        "integrate",
        "integrate_on_cluster",
        "integrate_shard",
        "parse_engines",
        "solve",
    ]
    assert all(getattr(stage, name) for name in stage.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = stage.nothing
