"""Whether enough of a run's shards came out to go on with them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from intclass.components.shared.errors import ConfigError, RecordsError
from intclass.components.shared.failure import Failure
from intclass.components.shared.manifest import Manifest


@dataclass
class _Run:
    """One input, shared out among so many shards."""

    num_shards: int
    finished: set[int] = field(default_factory=set)
    errors: dict[int, str] = field(default_factory=dict)

    @property
    def missing(self) -> list[int]:
        return [shard for shard in range(self.num_shards) if shard not in self.finished]


def count_missing_shards(
    manifests: Iterable[Manifest], failures: Iterable[Failure], *, min_success_ratio: float
) -> int:
    """How many shards of the runs behind the tables have no table: they failed, or nothing is there of them.

    How many there should be is what any one of a run's shards says of itself.

    Raises RecordsError, with what the failed ones said, if fewer than `min_success_ratio` of a run's shards came out;
    ConfigError if that is no share.
    """
    if not 0 < min_success_ratio <= 1:
        raise ConfigError(f"min_success_ratio is {min_success_ratio}; give a number above 0, at most 1")
    runs = _runs(manifests, failures)
    for run in runs:
        needed = math.ceil(min_success_ratio * run.num_shards - 1e-9)
        if len(run.finished) < needed:
            raise RecordsError(_complaint(run, needed))
    return sum(len(run.missing) for run in runs)


def _runs(manifests: Iterable[Manifest], failures: Iterable[Failure]) -> list[_Run]:
    runs: dict[str, _Run] = {}
    records: list[Manifest | Failure] = [*manifests, *failures]
    for record in records:
        if "num_shards" not in record.config:
            continue
        shard, num_shards = record.config["shard"], record.config["num_shards"]
        run = runs.setdefault(json.dumps([dict(record.inputs), num_shards], sort_keys=True), _Run(num_shards))
        if isinstance(record, Failure):
            run.errors[shard] = record.error
        else:
            run.finished.add(shard)
    return list(runs.values())


def _complaint(run: _Run, needed: int) -> str:
    shown = [f"{shard} ({' '.join(run.errors.get(shard, 'not there').split())[:200]})" for shard in run.missing]
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return (
        f"{len(run.finished)} of {run.num_shards} shards came out and {needed} are needed; missing are shard "
        f"{', '.join(shown[:3])}{more}: integrate them again, or give a lower --min-success-ratio"
    )
