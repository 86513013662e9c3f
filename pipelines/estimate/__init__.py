"""What labelling many millions of functions takes: hours, core-hours and money, from measured solving times.

It stands beside the pipeline, not in a stage: it plans a run of `integrate` on a cluster, and knows of it only what
every reader of its tables knows, the outcomes and the manifest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from intclass.components.shared.lazy import lazily

if TYPE_CHECKING:
    from intclass.pipelines.estimate.cluster import Cluster, Prices
    from intclass.pipelines.estimate.estimating import Estimate, Estimator, estimate
    from intclass.pipelines.estimate.solve_times import SolveTimes, fit_solve_times, load_solve_times, save_solve_times

__all__ = [
    "Cluster",
    "Estimate",
    "Estimator",
    "Prices",
    "SolveTimes",
    "estimate",
    "fit_solve_times",
    "load_solve_times",
    "save_solve_times",
]

_HOMES: Final = {
    "Cluster": "cluster",
    "Prices": "cluster",
    "Estimate": "estimating",
    "Estimator": "estimating",
    "estimate": "estimating",
    "SolveTimes": "solve_times",
    "fit_solve_times": "solve_times",
    "load_solve_times": "solve_times",
    "save_solve_times": "solve_times",
}

__getattr__ = lazily(__name__, _HOMES)
