"""Is a new model failing? Judged by requests of our own, and by what its pods count of everybody's."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

from kubernetes import client
from kubernetes.client.rest import ApiException
from prometheus_client.parser import text_string_to_metric_families

from intclass.components.serve.deploy.endpoint import Endpoint
from intclass.components.serve.deploy.golden import Golden
from intclass.components.shared.errors import ServingError
from intclass.components.shared.kube.connection import Connection, describe

if TYPE_CHECKING:
    import httpx

_PAUSE_SECONDS: Final = 0.2  # between two requests of our own
_LOOK_SECONDS: Final = 5.0  # between two looks at the pods' counters
_LEAST_REQUESTS: Final = 100  # one error in five requests is no rate yet
_COUNTER: Final = "intclass_http_request_seconds_count"
_ASKING: Final = (":predict", "/infer", "/answer")  # ends of the routes that are no probes


@dataclass
class Tally:
    """Requests, how many of them failed, and the last failure's words."""

    requests: int = 0
    errors: int = 0
    last: str = ""

    def is_over(self, most: float) -> bool:
        """Whether more than that share failed, of 100 requests at least."""
        return self.errors > most * max(self.requests, _LEAST_REQUESTS)

    def __str__(self) -> str:
        return f"{self.errors} of {self.requests} requests failed" + (f", the last: {self.last}" if self.last else "")


class PodCounters:
    """What the pods of a selection have answered since this was made, from their own /metrics.

    They are asked through the API server (`pods/proxy`), so that it works from anywhere, and each pod answers for
    itself. Pods that cannot be asked, or that count nothing of the kind, as KServe's other runtimes, count as silent.
    """

    def __init__(self, connection: Connection, selector: str, stream: TextIO) -> None:
        self._connection, self._selector, self._stream = connection, selector, stream
        self._core = client.CoreV1Api(connection.client)
        self._warned = False
        self._before = self._read()

    def tally(self) -> Tally:
        """Requests and 5xx answers of all pods; one that has restarted counts from 0 again."""
        tally = Tally()
        for pod, (requests, errors) in self._read().items():
            before = self._before.get(pod, (0, 0))
            restarted = requests < before[0]
            tally.requests += requests - (0 if restarted else before[0])
            tally.errors += errors - (0 if restarted else before[1])
        return tally

    def _read(self) -> dict[str, tuple[int, int]]:
        namespace = self._connection.namespace
        listed = self._connection.ask(lambda: self._core.list_namespaced_pod(namespace, label_selector=self._selector))
        return {pod.metadata.name: _counts(self._metrics(pod)) for pod in listed.items}

    def _metrics(self, pod: client.V1Pod) -> str:
        try:
            response = self._core.connect_get_namespaced_pod_proxy_with_path(
                f"{pod.metadata.name}:8080", self._connection.namespace, "metrics", _preload_content=False
            )
        except ApiException as error:
            if not self._warned:
                self._warned = True
                self._stream.write(f"{pod.metadata.name}: cannot read its metrics: {describe(error)}\n")
            return ""
        text: str = response.data.decode()
        return text


def watch(endpoint: Endpoint, golden: Golden, live: PodCounters, stream: TextIO) -> None:
    """Ask golden questions for as long as the configuration says, and look at the pods' counters.

    Raises ServingError as soon as too many of our requests fail or are answered wrongly, or too many of anybody's get a
    5xx.
    """
    config, own = golden.config, Tally()
    end = time.monotonic() + config.watch_seconds
    look = time.monotonic() + _LOOK_SECONDS
    with endpoint.client() as asking:
        while time.monotonic() < end:
            begun = time.monotonic()
            _ask(golden, asking, own)
            _judge(own, f"{endpoint.url}: ", config.max_error_rate)
            if begun > look:
                _judge(live.tally(), "the pods count: ", config.max_error_rate)
                look = begun + _LOOK_SECONDS
            time.sleep(max(0.0, begun + _PAUSE_SECONDS - time.monotonic()))
    everybody = live.tally()
    _judge(everybody, "the pods count: ", config.max_error_rate)
    stream.write(f"{config.name}: watched for {config.watch_seconds:g} s: {own}; the pods count: {everybody}\n")
    stream.flush()


def _ask(golden: Golden, asking: httpx.Client, own: Tally) -> None:
    from httpx import HTTPError

    own.requests += 1
    try:
        golden.ask(asking, own.requests)
    except (ServingError, HTTPError) as error:
        own.errors += 1
        own.last = str(error) or type(error).__name__


def _judge(tally: Tally, where: str, most: float) -> None:
    if tally.is_over(most):
        raise ServingError(f"{where}{tally}")


def _counts(exposition: str) -> tuple[int, int]:
    """Requests that asked something, and those of them that got a 5xx."""
    requests = errors = 0
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name == _COUNTER and sample.labels["route"].endswith(_ASKING):
                requests += int(sample.value)
                errors += int(sample.value) if sample.labels["status"].startswith("5") else 0
    return requests, errors
