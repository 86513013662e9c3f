"""Labels functions as elementary, nonelementary or unknown, each with its evidence.

The process that forks workers imports modules of this package, and must stay without what starts threads (pyarrow,
NumPy): one more reason for names that are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from intclass.components.shared.lazy import lazily

if TYPE_CHECKING:
    from intclass.components.integrate.config import IntegrateConfig
    from intclass.components.integrate.engines import Answer, Engine, Status, parse_engines
    from intclass.components.integrate.job import JobConfig, integrate_on_cluster
    from intclass.components.integrate.labelling import integrate
    from intclass.components.integrate.persistence import integrate_shard
    from intclass.components.integrate.solving import Solver, solve

__all__ = [
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

_HOMES: Final = {
    "IntegrateConfig": "config",
    "Answer": "engines",
    "Engine": "engines",
    "Status": "engines",
    "parse_engines": "engines",
    "JobConfig": "job",
    "integrate_on_cluster": "job",
    "integrate": "labelling",
    "integrate_shard": "persistence",
    "Solver": "solving",
    "solve": "solving",
}

__getattr__ = lazily(__name__, _HOMES)
