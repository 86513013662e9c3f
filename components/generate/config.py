"""What `generate` is asked for."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any, Final

from intclass.components.shared.errors import ConfigError

MAX_INTERNAL_NODES: Final = 50
_MAX_INT64: Final = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class GenerateConfig:
    """How many functions of which kind. Raises ConfigError for a value that cannot be used."""

    count: int
    internal_nodes: tuple[int, int] = (3, 7)  # the smallest and the largest number; each index draws one uniformly
    grammar: str = "intclass"  # a built-in name, or the path of a grammar file
    seed: int = 0
    start_index: int = 0
    workers: int = 0  # processes; 0 means one for each core

    def __post_init__(self) -> None:
        low, high = self.internal_nodes
        if not 1 <= low <= high <= MAX_INTERNAL_NODES:
            raise ConfigError(f"internal nodes {low}-{high}: give a range A-B with 1 <= A <= B <= {MAX_INTERNAL_NODES}")
        if self.count < 1:
            raise ConfigError(f"count {self.count}: at least 1 function must be drawn")
        for name in ("seed", "start_index"):
            if not 0 <= getattr(self, name) <= _MAX_INT64 - self.count:
                raise ConfigError(f"{name} {getattr(self, name)}: must be a whole number from 0, below 2^63")
        if self.workers < 0:
            raise ConfigError(f"workers {self.workers}: give a number of processes, or 0 for one on each core")

    def record(self) -> dict[str, Any]:
        """The options that decide the table: all but `workers`."""
        options = asdict(self)
        del options["workers"]
        return options


def parse_internal_nodes(text: str) -> tuple[int, int]:
    """`3-12` as (3, 12), `10` as (10, 10); raises ConfigError for anything else."""
    match = re.fullmatch(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", text)
    if match is None:
        raise ConfigError(f"internal nodes '{text}': write one number such as 10, or a range such as 3-12")
    low, high = match[1], match[2] or match[1]
    return int(low), int(high)
