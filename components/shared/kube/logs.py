"""The log of one container, live, in this process's own output."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Iterator
from typing import Any, Final, TextIO

from kubernetes import client
from kubernetes.client.rest import ApiException

from intclass.components.shared.errors import ClusterError
from intclass.components.shared.kube.connection import Connection, is_passing

_RETRY_SECONDS: Final = 1.0
_SILENCE_SECONDS: Final = 300.0  # a connection without a line for so long may be dead: it is made anew
_ENDED: Final = ("Succeeded", "Failed")


class LogFollower(threading.Thread):
    """Copies a container's log, each line once, until the container or its pod has ended for good.

    A stream that breaks is taken up again where it stopped, by the lines' timestamps.
    """

    def __init__(self, connection: Connection, pod: client.V1Pod, container: str, stream: TextIO) -> None:
        super().__init__(daemon=True, name=f"log of {pod.metadata.name}")
        self.pod = pod
        self._connection, self._container, self._stream = connection, container, stream
        self._core = client.CoreV1Api(connection.client)
        self._last = ""  # the timestamp of the last line that was copied
        self._stopped = threading.Event()

    def run(self) -> None:
        """Follow; a log that cannot be read leaves a line that says why."""
        while not self._stopped.is_set():
            try:
                self._copy()
            except ApiException as error:
                if error.status == 404:
                    return
            except Exception as error:
                if not is_passing(error):
                    self._write(f"(the log of {self.pod.metadata.name} cannot be followed: {error})")
                    return
            if self._has_ended():
                return
            self._stopped.wait(_RETRY_SECONDS)

    def finish(self, *, seconds: float) -> None:
        """Wait for the lines that are under way, at most so long."""
        self.join(seconds)
        self._stopped.set()

    def _copy(self) -> None:
        boundary = self._last
        response = self._open()
        try:
            for line in _lines(response):
                moment, _, text = line.partition(" ")
                if moment > boundary:
                    self._last = moment
                    self._write(text)
                if self._stopped.is_set():
                    return
        finally:
            response.close()
            response.release_conn()

    def _open(self) -> Any:  # noqa: ANN401 - urllib3's response
        arguments: dict[str, Any] = {}
        if self._last:
            last = datetime.datetime.fromisoformat(self._last[:19] + "+00:00")
            passed = datetime.datetime.now(tz=datetime.UTC) - last
            arguments["since_seconds"] = int(passed.total_seconds()) + 2
        return self._core.read_namespaced_pod_log(
            self.pod.metadata.name,
            self._connection.namespace,
            container=self._container,
            follow=True,
            timestamps=True,
            _preload_content=False,
            _request_timeout=(10, _SILENCE_SECONDS),
            **arguments,
        )

    def _has_ended(self) -> bool:
        """Whether this pod will write no more; a container that restarts in place goes on writing."""
        try:
            read = self._core.read_namespaced_pod
            pod = self._connection.ask(lambda: read(self.pod.metadata.name, self._connection.namespace))
        except (ApiException, ClusterError):
            return True
        return pod.metadata.uid != self.pod.metadata.uid or pod.status.phase in _ENDED

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def last_lines(connection: Connection, pod: str, container: str, *, lines: int, previous: bool) -> list[str]:
    """The end of a container's log, or of its run before the last restart; empty if it cannot be had any more."""
    core = client.CoreV1Api(connection.client)
    try:
        # Not preloaded: the client would take a log that happens to be JSON apart.
        response = connection.ask(
            lambda: core.read_namespaced_pod_log(
                pod,
                connection.namespace,
                container=container,
                tail_lines=lines,
                previous=previous,
                _preload_content=False,
            )
        )
    except ApiException:
        return []
    return str(response.data.decode(errors="replace")).splitlines()


def _lines(response: Any) -> Iterator[str]:  # noqa: ANN401
    """Whole lines of a stream that comes in pieces."""
    rest = b""
    for piece in response.stream(amt=None, decode_content=False):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")
    if rest:
        yield rest.decode(errors="replace")
