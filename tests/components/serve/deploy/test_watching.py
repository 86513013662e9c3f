from __future__ import annotations

import pytest

from intclass.components.serve.deploy.watching import PodCounters, Tally, _counts

EXPOSITION = """
# TYPE intclass_http_request_seconds histogram
intclass_http_request_seconds_count{route="/metrics",status="200"} 70.0
intclass_http_request_seconds_count{route="/v2/health/ready",status="503"} 9.0
intclass_http_request_seconds_count{route="/v1/models/{model_name}:predict",status="200"} 40.0
intclass_http_request_seconds_count{route="/v1/models/{model_name}:predict",status="400"} 5.0
intclass_http_request_seconds_count{route="/v2/models/{model_name}/infer",status="500"} 3.0
intclass_http_request_seconds_count{route="/page/answer",status="429"} 2.0
"""


@pytest.mark.parametrize(
    ("requests", "errors", "most", "over"),
    [(5, 1, 0.01, False), (5, 2, 0.01, True), (1000, 10, 0.01, False), (1000, 11, 0.01, True), (5, 1, 0.0, True)],
)
def test_a_rate_is_judged_on_a_hundred_requests_at_least(requests: int, errors: int, most: float, over: bool) -> None:
    assert Tally(requests, errors).is_over(most) is over


def test_probes_are_no_requests_and_refusals_are_no_failures() -> None:
    assert _counts(EXPOSITION) == (50, 3)


def test_what_is_no_metric_of_ours_counts_as_silence() -> None:
    assert _counts("request_predict_seconds_count 7.0\n") == (0, 0)


def test_only_what_came_since_counts_and_a_pod_that_restarted_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = object.__new__(PodCounters)
    counters._before = {"stays": (100, 4), "restarts": (100, 50)}
    now = {"stays": (130, 5), "restarts": (7, 2), "is new": (10, 0)}
    monkeypatch.setattr(counters, "_read", lambda: now)
    tally = counters.tally()
    assert (tally.requests, tally.errors) == (30 + 7 + 10, 1 + 2 + 0)
