"""What `generate` is asked for."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from intclass.components.shared.errors import ConfigError

MAX_INTERNAL_NODES: Final = 50
FORWARD: Final = "forward"
FAMILIES: Final = (FORWARD, "backward", "parts", "liouville", "chebyshev", "disguised", "short")
_MAX_INT64: Final = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class GenerateConfig:
    """How many functions of which kind. Raises ConfigError for a value that cannot be used."""

    count: int
    internal_nodes: tuple[int, int] = (3, 7)  # the smallest and the largest number; each index draws one uniformly
    grammar: str = "intclass"  # a built-in name, or the path of a grammar file
    families: Mapping[str, float] = field(default_factory=lambda: {FORWARD: 1.0})  # of FAMILIES, by weight
    seed: int = 0
    start_index: int = 0
    workers: int = 0  # processes; 0 means one for each core

    def __post_init__(self) -> None:
        low, high = self.internal_nodes
        if not 1 <= low <= high <= MAX_INTERNAL_NODES:
            raise ConfigError(f"internal nodes {low}-{high}: give a range A-B with 1 <= A <= B <= {MAX_INTERNAL_NODES}")
        if self.count < 1:
            raise ConfigError(f"count {self.count}: at least 1 function must be drawn")
        if not self.families:
            raise ConfigError(f"families: none given; there are {', '.join(FAMILIES)}")
        for name, weight in self.families.items():
            _check_family(name, weight)
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


def _check_family(name: str, weight: float) -> None:
    if name not in FAMILIES:
        raise ConfigError(f"family '{name}': there are {', '.join(FAMILIES)}")
    if not 0 < weight < math.inf:
        raise ConfigError(f"family '{name}': the weight {weight} is not a finite number above 0")


def parse_families(text: str) -> dict[str, float]:
    """`forward:2,backward` as {"forward": 2.0, "backward": 1.0}; raises ConfigError for anything else."""
    families: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = (piece.strip() for piece in part.partition(":"))
        if name in families:
            raise ConfigError(f"families '{text}': {name} is named twice; write its weight as {name}:2")
        try:
            families[name] = float(weight or 1)
        except ValueError:
            raise ConfigError(f"families '{text}': '{weight}' is no weight; write names such as {name}:2") from None
    return families


def parse_internal_nodes(text: str) -> tuple[int, int]:
    """`3-12` as (3, 12), `10` as (10, 10); raises ConfigError for anything else."""
    match = re.fullmatch(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", text)
    if match is None:
        raise ConfigError(f"internal nodes '{text}': write one number such as 10, or a range such as 3-12")
    low, high = match[1], match[2] or match[1]
    return int(low), int(high)
