"""An HTTP proxy before pods: what a Service does, or the router of Knative."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

_PASSED_ON = ("content-type", "x-request-id", "inference-header-content-length")
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Backend:
    """Pods that share so many percent of the requests; `breaks_every` N answers each N-th POST with 503."""

    name: str
    addresses: Sequence[tuple[str, int]]
    percent: int = 100
    breaks_every: int = 0


class Gateway:
    """Shares out requests by the backends' percentages, exactly; `sent` counts them by the backends' names."""

    def __init__(self, backends: Callable[[], Sequence[Backend]]) -> None:
        self.sent: Counter[str] = Counter()
        self._posts: Counter[str] = Counter()
        self._backends = backends
        self._lock = threading.Lock()
        handler = type("GatewayHandler", (_Handler,), {"gateway": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Close it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body that a pod gives, or 503 where there is none."""
        chosen = self._choose(method)
        if chosen is None:
            return 503, "text/plain", b"no healthy upstream"
        host, port = chosen
        connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body or None, headers)
            response = connection.getresponse()
            return response.status, response.getheader("content-type", "text/plain"), response.read()
        except OSError as error:
            return 503, "text/plain", f"upstream connect error: {error}".encode()
        finally:
            connection.close()

    def _choose(self, method: str) -> tuple[str, int] | None:
        able = [backend for backend in self._backends() if backend.percent and backend.addresses]
        if not able:
            return None
        with self._lock:
            chosen = min(able, key=lambda backend: (self.sent[backend.name] + 1) / backend.percent)
            self.sent[chosen.name] += 1
            turn = self.sent[chosen.name]
            if method == "POST":
                self._posts[chosen.name] += 1
                if chosen.breaks_every and self._posts[chosen.name] % chosen.breaks_every == 0:
                    return None
        return chosen.addresses[turn % len(chosen.addresses)]


class _Handler(BaseHTTPRequestHandler):
    gateway: ClassVar[Gateway]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
        status, kind, content = self.gateway.answer(self.command, self.path, headers, body)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
