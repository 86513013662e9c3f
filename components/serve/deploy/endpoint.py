"""Where a deployed service is reached from here."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from intclass.components.shared.errors import ServingError

if TYPE_CHECKING:
    import httpx

REQUEST_SECONDS: Final = 10.0
_ROUTING_SECONDS: Final = 60.0  # a gateway hears of a ready service a moment later than we do
_READY: Final = "/v2/health/ready"


@dataclass(frozen=True)
class Endpoint:
    """An address, and the host that is asked for there if it is a gateway's."""

    url: str
    host: str = ""

    def client(self) -> httpx.Client:
        """A client that opens a connection for each request, so that each may come to another pod."""
        import httpx

        headers = {"connection": "close"} | ({"host": self.host} if self.host else {})
        return httpx.Client(base_url=self.url, headers=headers, timeout=REQUEST_SECONDS, trust_env=False)

    def reach(self) -> None:
        """Wait until it answers that it is ready; raises ServingError if it does not for a minute."""
        import httpx

        end = time.monotonic() + _ROUTING_SECONDS
        with self.client() as client:
            while True:
                try:
                    response = client.get(_READY)
                except httpx.TransportError as error:
                    answer = f"{error}; is it to be reached --through a gateway?"
                else:
                    if response.is_success:
                        return
                    answer = f"{response.status_code} {response.text[:200]}"
                if time.monotonic() > end:
                    raise ServingError(f"{self.url}{_READY}: {answer}")
                time.sleep(1)


def endpoint_of(service: Mapping[str, Any], *, through: str = "") -> Endpoint:
    """The service's address: the cluster's own for a pod, the public one otherwise, or a gateway's."""
    status = service["status"]
    if through:
        return Endpoint(through, urlsplit(status["url"]).netloc)
    return Endpoint(status["address"]["url"] if _in_cluster() else status["url"])


def canary_endpoint_of(service: Mapping[str, Any], *, through: str = "") -> Endpoint:
    """The address of a Knative service's latest revision alone, which KServe tags `latest`."""
    traffic = service["status"]["components"]["predictor"]["traffic"]
    url = next(target["url"] for target in traffic if target.get("tag") == "latest")
    if through:
        return Endpoint(through, urlsplit(url).netloc)
    if _in_cluster():
        meta = service["metadata"]
        return Endpoint(f"http://latest-{meta['name']}-predictor.{meta['namespace']}.svc.cluster.local")
    return Endpoint(url)


def _in_cluster() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ
