"""Startup, readiness and liveness probes over HTTP, as a kubelet makes them.

Startup and readiness are asked for more often than the manifest says, so that tests need not wait; a container still
has as long to start as `periodSeconds` times `failureThreshold`, and is unready after as many failures.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

_OFTEN_SECONDS: Final = 0.2


class Probes(threading.Thread):
    """Those of one container; without probes it is started, ready and alive from the beginning."""

    def __init__(self, manifest: Mapping[str, Any], address: str, *, runs: Callable[[], bool]) -> None:
        super().__init__(daemon=True, name=f"probes of {manifest['name']}")
        self._startup, self._readiness, self._liveness = (
            manifest.get(f"{kind}Probe") for kind in ("startup", "readiness", "liveness")
        )
        self._address, self._runs = address, runs
        self.ready = not (self._startup or self._readiness)
        self.dead = ""  # why the container must be started again
        self.start()

    def run(self) -> None:
        """Ask until the container ends."""
        if not self._has_started():
            return
        failures = dead_for = 0
        asked = time.monotonic()
        while self._runs():
            passed = self._passes(self._readiness)
            failures = 0 if passed else failures + 1
            if passed:
                self.ready = True
            elif self._readiness and failures >= self._readiness.get("failureThreshold", 3):
                self.ready = False
            if self._liveness and time.monotonic() - asked > self._liveness.get("periodSeconds", 10):
                asked = time.monotonic()
                dead_for = 0 if self._passes(self._liveness) else dead_for + 1
                if dead_for >= self._liveness.get("failureThreshold", 3):
                    self.dead = "Liveness probe failed"
                    return
            time.sleep(_OFTEN_SECONDS)

    def _has_started(self) -> bool:
        if not self._startup:
            return True
        end = time.monotonic() + self._startup.get("periodSeconds", 10) * self._startup.get("failureThreshold", 3)
        while self._runs():
            if self._passes(self._startup):
                return True
            if time.monotonic() > end:
                self.dead = "Startup probe failed"
                return False
            time.sleep(_OFTEN_SECONDS)
        return False

    def _passes(self, probe: Mapping[str, Any] | None) -> bool:
        if probe is None:
            return True
        request = probe["httpGet"]
        connection = http.client.HTTPConnection(self._address, request["port"], timeout=probe.get("timeoutSeconds", 1))
        try:
            connection.request("GET", request["path"])
            return 200 <= connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
