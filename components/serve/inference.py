"""The two routes by which a model is asked, V1's predict and V2's infer, without the machinery of a web framework.

Under load they are nearly all that is asked, and a framework's routing, solving of dependencies and layers of
middleware take longer than reading an expression and predicting. KServe's data plane is behind them as behind all
others.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kserve.constants.constants import INFERENCE_CONTENT_LENGTH_HEADER
from kserve.errors import InvalidInput, ModelNotFound, ModelNotReady, ServerNotLive, ServerNotReady
from kserve.protocol.dataplane import DataPlane
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from intclass.components.serve.protocol import decode_v1, decode_v2
from intclass.components.serve.solving import BusyError

STATUS: Final[dict[type[Exception], int]] = {
    BusyError: 429,
    InvalidInput: 400,
    ModelNotFound: 404,
    ModelNotReady: 503,
    ServerNotLive: 503,
    ServerNotReady: 503,
}

_log = logging.getLogger(__name__)


def _v1_payload(body: bytes, request: Request, model_name: str) -> object:
    return decode_v1(body)  # as JSON, whatever its content type, so that none becomes a 5xx


def _v2_payload(body: bytes, request: Request, model_name: str) -> object:
    return decode_v2(body, request.headers.get(INFERENCE_CONTENT_LENGTH_HEADER), model_name)


@dataclass(frozen=True)
class _Route:
    """A path, as metrics and log name it, and what its bodies mean."""

    path: str
    pattern: re.Pattern[str]
    payload: Callable[[bytes, Request, str], object]


_ROUTES: Final = (
    _Route("/v1/models/{model_name}:predict", re.compile("/v1/models/([^/]+):predict"), _v1_payload),
    _Route("/v2/models/{model_name}/infer", re.compile("/v2/models/([^/]+)/infer"), _v2_payload),
)


class Inference:
    """ASGI middleware that answers these routes itself and leaves all others to `app`."""

    def __init__(self, app: ASGIApp, dataplane: DataPlane) -> None:
        self._app, self._dataplane = app, dataplane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            for route in _ROUTES:
                if match := route.pattern.fullmatch(scope["path"]):
                    scope["route"] = route
                    response = await self._respond(route, match[1], Request(scope, receive))
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _respond(self, route: _Route, model_name: str, request: Request) -> Response:
        if request.method != "POST":
            return JSONResponse({"error": "Method Not Allowed"}, 405, {"allow": "POST"})
        try:
            payload = route.payload(await request.body(), request, model_name)
            reply, _ = await self._dataplane.infer(model_name, payload, dict(request.headers))
            # Without the request's headers: with them the SDK would answer CloudEvents.
            content, added = self._dataplane.encode(model_name, reply, headers={}, req_attributes={})
        except tuple(STATUS) as error:
            return refusal(error)
        except Exception as error:  # a client learns where to look, and nothing else
            return internal_error(request, error)
        if isinstance(content, bytes):
            return Response(content, media_type="application/octet-stream", headers=added)
        return Response(to_json(content), media_type="application/json", headers=added)


def refusal(error: Exception) -> Response:
    """The answer to a request that raised one of the errors in STATUS."""
    status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
    return JSONResponse({"error": str(error)}, status, {"retry-after": "2"} if status == 429 else None)


def internal_error(request: Request, error: Exception) -> Response:
    """The answer to a request that raised anything else; the log has where, not the words, which may quote input."""
    request_id = request.headers.get("x-request-id", "-")
    place = "".join(traceback.format_tb(error.__traceback__))
    _log.error("id=%s %s\n%s", request_id, type(error).__name__, place)
    return JSONResponse({"error": f"internal error; the log has more under {request_id}"}, 500)
