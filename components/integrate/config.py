"""What integrating takes: who is asked, for how long, with how much memory, on which part of the input."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from intclass.components.integrate.engines import EngineEntry, find_engine, parse_engines
from intclass.components.shared.cores import available_cores
from intclass.components.shared.errors import ConfigError

MIN_MEMORY_MB: Final = 256  # SymPy alone takes a good hundred

SchedulerName = Literal["balance", "steal"]


@dataclass(frozen=True, kw_only=True)
class IntegrateConfig:
    """How to label functions.

    Attributes:
        engines: Who is asked, in this order: names (`fricas`, `sympy`, `giac`, `auto`) or `module:Class` of your own.
        limit_seconds: Wall seconds that one engine may spend on one function before it is killed.
        memory_mb: Memory in MB that one worker, with the engine's processes, may use before it is killed.
        workers: Functions worked on at a time; 0 means one for each core that this container may use.
        scheduler: Which function an idle worker begins: the next of one queue (`balance`), or the next of its own,
            then one of another's (`steal`). Outcomes are the same.
        shard: Which part of the input, counted from 0: the rows whose place modulo `num_shards` is this.
        num_shards: How many parts there are.
        journal: Folder or gs:// prefix for finished rows, so that a restart goes on; None means `journal` in the
            output folder, which is deleted when the table is complete. A folder named here is kept.
        ask_all: Ask every engine even when an earlier one has decided, as the target `solved` needs.
        search_known: Ask the engines also about functions whose label is known by construction.
    """

    engines: tuple[str, ...] = ("sympy",)
    limit_seconds: float = 2.0
    memory_mb: int = 2048
    workers: int = 0
    scheduler: str = "balance"
    shard: int = 0
    num_shards: int = 1
    journal: str | Path | None = None
    ask_all: bool = False
    search_known: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "engines", parse_engines(self.engines))
        if not self.limit_seconds > 0:
            raise ConfigError(f"--limit-seconds {self.limit_seconds} must be more than 0")
        if self.memory_mb < MIN_MEMORY_MB:
            raise ConfigError(
                f"--memory-mb {self.memory_mb} is too little for an engine; give at least {MIN_MEMORY_MB}"
            )
        if self.workers < 0:
            raise ConfigError(f"--workers {self.workers} must be at least 1, or 0 for one per core")
        if self.scheduler not in get_args(SchedulerName):
            raise ConfigError(f"--scheduler {self.scheduler} is none of {', '.join(get_args(SchedulerName))}")
        if not 0 <= self.shard < self.num_shards:
            raise ConfigError(
                f"--shard {self.shard} must be from 0 to {self.num_shards - 1} with --num-shards {self.num_shards}"
            )

    @property
    def entries(self) -> list[EngineEntry]:
        """The engines as the registry knows them."""
        return [find_engine(name) for name in self.engines]

    @property
    def busy_workers(self) -> int:
        """`workers`, with 0 resolved to the cores of this machine."""
        return self.workers or available_cores()

    @property
    def memory_bytes(self) -> int:
        """`memory_mb` in bytes."""
        return self.memory_mb * 2**20

    @property
    def shard_name(self) -> str:
        """As `shard-00003-of-00010`."""
        return f"shard-{self.shard:05}-of-{self.num_shards:05}"

    def decisive(self) -> dict[str, Any]:
        """The options that an outcome depends on: rows of a journal are reused under the same ones only."""
        return {
            "engines": list(self.engines),
            "limit_seconds": self.limit_seconds,
            "memory_mb": self.memory_mb,
            "ask_all": self.ask_all,
            "search_known": self.search_known,
        }

    def record(self) -> dict[str, Any]:
        """The options that the output depends on, for the manifest."""
        return {**self.decisive(), "shard": self.shard, "num_shards": self.num_shards}
