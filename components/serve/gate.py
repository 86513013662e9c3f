"""The door: what every HTTP request passes before KServe sees it, and what is written down about it.

Each request gets an id (its own `x-request-id`, if that is a plain word), which comes back in the answer and stands in
the log. A body is read here, whole, up to a limit in size and time; more requests at once than the worker takes are
turned away with 429 instead of piling up. The log has the route, never the path or the body: both may hold input.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intclass.components.serve import metrics
from intclass.components.serve.config import ServeConfig

_ID_HEADER = "x-request-id"
_PLAIN_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_PROBED = frozenset({"/", "/metrics", "/v2/health/live", "/v2/health/ready"})

_log = logging.getLogger(__name__)
_notes: ContextVar[list[str]] = ContextVar("notes")


def note(text: str) -> bool:
    """Add to the line that the log will have about the request under way; False if none has come through this door."""
    notes = _notes.get(None)
    if notes is not None:
        notes.append(text)
    return notes is not None


class _RefusedError(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Gate:
    """ASGI middleware; goes outermost."""

    def __init__(self, app: ASGIApp, config: ServeConfig) -> None:
        self._app, self._config = app, config
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, from its head to the end of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _name_request(scope)
        start, status = time.perf_counter(), 500
        notes: list[str] = []
        _notes.set(notes)

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[_ID_HEADER] = request_id
            await send(message)

        self._inside += 1
        metrics.REQUESTS_INSIDE.inc()
        try:
            await self._pass(scope, receive, send_named)
        finally:
            self._inside -= 1
            metrics.REQUESTS_INSIDE.dec()
            _record(scope, request_id, status=status, seconds=time.perf_counter() - start, notes=notes)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await self._admit(scope, receive)
        except _RefusedError as refused:
            retry = {"retry-after": "1"} if refused.status == 429 else None
            await JSONResponse({"error": str(refused)}, refused.status, retry)(scope, receive, send)
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()  # only a disconnect can still come
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _admit(self, scope: Scope, receive: Receive) -> bytes:
        """The body of a request that may come in; raises _RefusedError with a 4xx otherwise."""
        headers = Headers(scope=scope)
        most = self._config.max_body_bytes
        if scope["method"] == "POST" and self._inside > self._config.max_concurrent:
            raise _RefusedError(429, f"{self._config.max_concurrent} requests are under way: try again in a second")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise _RefusedError(415, "send the body uncompressed")
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > most:
            raise _RefusedError(413, f"the body has {int(declared)} bytes, but at most {most} are taken")
        try:
            async with asyncio.timeout(self._config.body_seconds):
                return await _read_body(receive, most)
        except TimeoutError:
            raise _RefusedError(408, f"the body did not come within {self._config.body_seconds:g} s") from None


async def _read_body(receive: Receive, most: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _RefusedError(400, "the client left before its body had come")
        body += message.get("body", b"")
        if len(body) > most:
            raise _RefusedError(413, f"the body has more than {most} bytes")
        if not message.get("more_body", False):
            return bytes(body)


def _name_request(scope: Scope) -> str:
    """The request's id, set in its headers for everything behind the door."""
    given = Headers(scope=scope).get(_ID_HEADER, "")
    request_id = given if _PLAIN_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"
    scope["headers"] = [pair for pair in scope["headers"] if pair[0] != _ID_HEADER.encode()]
    scope["headers"].append((_ID_HEADER.encode(), request_id.encode()))
    return request_id


def _record(scope: Scope, request_id: str, *, status: int, seconds: float, notes: list[str]) -> None:
    route = getattr(scope.get("route"), "path", "(none)")
    metrics.REQUEST_SECONDS.labels(route, str(status)).observe(seconds)
    level = logging.DEBUG if route in _PROBED and status == 200 else logging.INFO
    _log.log(
        level, "id=%s %s %s %d %.1f ms %s", request_id, scope["method"], route, status, 1000 * seconds, " ".join(notes)
    )
