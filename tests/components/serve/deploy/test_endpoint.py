from __future__ import annotations

from typing import Any

import pytest

from intclass.components.serve.deploy import endpoint
from intclass.components.serve.deploy.endpoint import Endpoint, canary_endpoint_of, endpoint_of
from intclass.components.shared.errors import ServingError

TRAFFIC = [
    {"tag": "prev", "url": "http://prev-m-predictor.ns.example.com", "percent": 90},
    {"tag": "latest", "url": "http://latest-m-predictor.ns.example.com", "percent": 10},
]
SERVICE: dict[str, Any] = {
    "metadata": {"name": "m", "namespace": "ns"},
    "status": {
        "url": "http://m-ns.example.com",
        "address": {"url": "http://m-predictor.ns.svc.cluster.local"},
        "components": {"predictor": {"traffic": TRAFFIC}},
    },
}


@pytest.fixture(autouse=True)
def _outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


def test_from_outside_it_is_the_public_address() -> None:
    assert endpoint_of(SERVICE) == Endpoint("http://m-ns.example.com")
    assert canary_endpoint_of(SERVICE) == Endpoint("http://latest-m-predictor.ns.example.com")


def test_from_a_pod_it_is_the_clusters_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert endpoint_of(SERVICE) == Endpoint("http://m-predictor.ns.svc.cluster.local")
    assert canary_endpoint_of(SERVICE) == Endpoint("http://latest-m-predictor.ns.svc.cluster.local")


def test_through_a_gateway_the_service_is_the_host() -> None:
    gateway = "http://10.1.2.3:8080"
    assert endpoint_of(SERVICE, through=gateway) == Endpoint(gateway, "m-ns.example.com")
    found = canary_endpoint_of(SERVICE, through=gateway)
    assert found == Endpoint(gateway, "latest-m-predictor.ns.example.com")
    with found.client() as client:
        assert client.build_request("GET", "/").headers["host"] == "latest-m-predictor.ns.example.com"


def test_an_address_that_leads_nowhere_is_named_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_ROUTING_SECONDS", 0.0)
    with pytest.raises(ServingError, match=r"http://127\.0\.0\.1:9/v2/health/ready: .*--through a gateway"):
        Endpoint("http://127.0.0.1:9").reach()
