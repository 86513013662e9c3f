"""What can be configured about serving, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from intclass.components.serve import ServeConfig
from intclass.components.shared.errors import ConfigError


def test_the_defaults_listen_on_this_machine_alone() -> None:
    config = ServeConfig()
    assert (config.host, config.port, config.grpc_port) == ("127.0.0.1", 8080, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model_name": "a/b"}, "model name 'a/b'"),
        ({"model_name": ""}, "model name ''"),
        ({"port": 70000}, "port 70000"),
        ({"port": -1}, "port -1"),
        ({"grpc_port": 0}, "gRPC port 0"),
        ({"workers": 0}, "workers 0"),
        ({"batch_size": 0}, "batch size 0"),
        ({"max_body_bytes": -1}, "max body bytes -1"),
        ({"body_seconds": 0.0}, "body seconds 0.0"),
        ({"drain_seconds": -1}, "drain seconds -1"),
        ({"precision": "int4"}, "precision 'int4': choose one of auto, float32, bfloat16"),
        ({"grace_seconds": -1.0}, "grace seconds -1.0"),
        ({"solvers": -1}, "solvers -1"),
        ({"solve_seconds": 0.0}, "solve seconds 0.0"),
        ({"max_solved": 0}, "max solved 0"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ServeConfig(**options)
