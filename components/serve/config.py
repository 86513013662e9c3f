"""How a model is served. Light to import: the command line reads its defaults from here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from intclass.components.finetune.config import Precision
from intclass.components.shared.errors import ConfigError

if TYPE_CHECKING:
    from intclass.components.shared.expressions import Limits

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LAST_PORT = 65535
_POSITIVE = (
    "workers",
    "batch_size",
    "max_instances",
    "max_body_bytes",
    "max_concurrent",
    "body_seconds",
    "solve_seconds",
    "solve_deadline_seconds",
    "solver_memory_mb",
    "max_solved",
)


@dataclass(frozen=True, kw_only=True)
class ServeConfig:
    """Where the predictor listens, how much it takes, and how it batches.

    `port` 0 takes a free one; `grpc_port` None serves REST alone. `max_concurrent` counts the requests inside one
    worker, `batch_size` the expressions in one forward pass. `precision` auto takes bfloat16 where that is faster: for
    a large model on a processor that computes in it. `limits` None means the parser's own. `engines`,
    `solve_seconds` and `solver_memory_mb` are those of `integrate`, for requests that say `solve`; each of the
    `solvers` works on one integrand at a time, and 0 solvers means that this server predicts only.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    grpc_port: int | None = None
    model_name: str = "intclass"
    workers: int = 1
    batch_size: int = 64
    precision: Precision = "auto"
    max_instances: int = 256
    max_body_bytes: int = 256 * 1024
    max_concurrent: int = 256
    body_seconds: float = 10.0  # a client slower than this to send its body is refused
    grace_seconds: float = 0.0  # after SIGTERM: not ready, but answering, until load balancers have noticed
    drain_seconds: int = 20  # then: what a request under way gets to finish
    solvers: int = 1
    engines: str = "auto"
    solve_seconds: float = 2.0
    solve_deadline_seconds: float = 20.0  # for all that a request wants solved, its time in the queue included
    solver_memory_mb: int = 2048
    max_solved: int = 8  # instances in one request, and waiting for each solver
    limits: Limits | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.model_name):
            raise ConfigError(f"model name '{self.model_name}': use letters, digits, '.', '_' and '-'")
        if not 0 <= self.port <= _LAST_PORT:
            raise ConfigError(f"port {self.port}: use 1 to {_LAST_PORT}, or 0 for a free one")
        if self.grpc_port is not None and not 1 <= self.grpc_port <= _LAST_PORT:
            raise ConfigError(f"gRPC port {self.grpc_port}: use 1 to {_LAST_PORT}")
        for name in _POSITIVE:
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name.replace('_', ' ')} {getattr(self, name)}: use a number above 0")
        if self.precision not in get_args(Precision):
            raise ConfigError(f"precision '{self.precision}': choose one of {', '.join(get_args(Precision))}")
        for name in ("grace_seconds", "drain_seconds", "solvers"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name.replace('_', ' ')} {getattr(self, name)}: use 0 or more")
