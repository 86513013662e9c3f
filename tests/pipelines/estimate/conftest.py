from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import OUTCOMES, write_table
from intclass.pipelines.estimate.cluster import Cluster
from intclass.pipelines.estimate.solve_times import Measurement, SolveTimes, Stratum

Outcomes = Callable[..., str]


def outcome(number: int, seconds: float, *, internal_nodes: int = 10, generator: str = "forward") -> dict[str, Any]:
    answer = {"engine": "fricas", "engine_version": "fricas 1.3.8", "status": "solved", "reason": ""}
    return {
        "id": str(number),
        "grammar": "intclass",
        "generator": generator,
        "internal_nodes": internal_nodes,
        "integrand": f"x + {number}",
        "label": "elementary",
        "reason": "antiderivative",
        "seconds": seconds,
        "verified": True,
        "answers": [{**answer, "seconds": seconds * 0.75}],
    }


def times_of(*bins: tuple[int, float], busy_share: float | None = None) -> SolveTimes:
    measurement = Measurement(
        program="intclass",
        options={"engines": ["fricas"], "limit_seconds": 1.0},
        engines=("fricas 1.3.8",),
        engine_shares={"fricas": 0.75},
        busy_share=busy_share,
        machine="a test",
        date="2026-11-21",
    )
    return SolveTimes(
        strata=(Stratum(generator="forward", grammar="intclass", internal_nodes=10, bins=bins),),
        measurement=measurement,
    )


def bare_cluster(**options: Any) -> Cluster:
    """One that costs no time but the functions' own, unless the options say so."""
    nothing = {
        "node_start_seconds": 0.0,
        "pod_start_seconds": 0.0,
        "read_seconds": 0.0,
        "preemptions_per_hour": 0.0,
        "notice_seconds": 0.0,
        "backoff_seconds": 0.0,
        "release_seconds": 0.0,
    }
    return Cluster(**{**nothing, **options})


@pytest.fixture
def outcomes(tmp_path: Path) -> Outcomes:
    def make(rows: Sequence[dict[str, Any]], name: str = "outcomes", **manifest: Any) -> str:
        folder = tmp_path / name
        write_table(folder, rows, OUTCOMES)
        spent = sum(row["seconds"] for row in rows)
        stats = {"seconds": spent, "workers": 2, "worker seconds": spent}
        config = {"engines": ["fricas"], "limit_seconds": 1.0, "shard": 0, "num_shards": 1}
        write_manifest(folder, **{"stage": "integrate", "config": config, "stats": stats, **manifest})
        return str(folder)

    return make
