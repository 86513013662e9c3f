"""What Prometheus sees beside KServe's own request_{preprocess,predict,postprocess}_seconds.

With several workers each process writes to the folder in PROMETHEUS_MULTIPROC_DIR, and any of them answers for all.
"""

from __future__ import annotations

import os
from typing import Final

from fastapi import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

MULTIPROCESS_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"

_LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SOLVE_TIMES: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)

REQUEST_SECONDS: Final = Histogram(
    "intclass_http_request_seconds",
    "From the request's head to the end of its answer.",
    ("route", "status"),
    buckets=_LATENCIES,
)
REQUESTS_INSIDE: Final = Gauge("intclass_http_requests_inside", "HTTP requests under way.", multiprocess_mode="livesum")
BATCH_SIZE: Final = Histogram("intclass_batch_size", "Expressions in one forward pass.", buckets=_SIZES)
BATCH_WAITING: Final = Gauge(
    "intclass_batch_waiting", "Expressions that wait for the end of a forward pass.", multiprocess_mode="livesum"
)
PARSE_FAILURES: Final = Counter("intclass_parse_failures", "Instances that are no expression, or over a limit.")
PREDICTIONS: Final = Counter("intclass_predictions", "Answered instances by label.", ("label",))
SOLUTIONS: Final = Counter(
    "intclass_solutions", "Integrands that were solved for, by outcome.", ("label", "reason", "verified")
)
SOLVE_SECONDS: Final = Histogram("intclass_solve_seconds", "Time of one solution.", buckets=_SOLVE_TIMES)
SOLVES_WAITING: Final = Gauge("intclass_solves_waiting", "Integrands at the solvers.", multiprocess_mode="livesum")
AGREEMENTS: Final = Counter("intclass_agreements", "Decided solutions by whether the model had said so.", ("agrees",))
# From 0 on, so that the first ones count in a rate.
for _agrees in ("true", "false"):
    AGREEMENTS.labels(_agrees)
SOLUTIONS.labels("unknown", "timeout", "false")


async def exposition() -> Response:
    """All metrics in Prometheus' text format."""
    registry = REGISTRY
    if MULTIPROCESS_VARIABLE in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
