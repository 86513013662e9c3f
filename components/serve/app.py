"""The HTTP application: KServe's model and data plane behind routes of our own choosing.

kserve.ModelServer is not used as it stands because its defaults do not suit a server that anyone may talk to: it
listens on all interfaces, lets every client unload the model, is always ready, answers 501 and 500 to some malformed
requests, and logs the text of those it refuses. Its data plane, its model interface, its V1 and V2 endpoints, its
gRPC service and its metrics are what runs here.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from types import FrameType

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from kserve.errors import ServerNotLive
from kserve.model_repository import ModelRepository
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.rest.v1_endpoints import V1Endpoints
from kserve.protocol.rest.v2_datamodels import ModelMetadataResponse, ModelReadyResponse
from kserve.protocol.rest.v2_endpoints import V2Endpoints
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from intclass.components.serve import metrics
from intclass.components.serve.config import ServeConfig
from intclass.components.serve.gate import Gate
from intclass.components.serve.grpc_server import build_grpc_server
from intclass.components.serve.inference import STATUS, Inference, internal_error, refusal
from intclass.components.serve.page import Answers, add_page
from intclass.components.serve.predictor import Predictor


class HonestDataPlane(DataPlane):  # type: ignore[misc] # the SDK is untyped
    """KServe's data plane, with a liveness and a readiness that depend on the model."""

    def __init__(self, predictor: Predictor) -> None:
        registry = ModelRepository()
        registry.update(predictor)
        super().__init__(registry)
        self._predictor = predictor
        self._stopping = False

    def begin_stop(self) -> None:
        """From now on the server is not ready, though it still answers, so that nobody new is sent here."""
        self._stopping = True

    async def live(self) -> dict[str, str]:
        """Raises ServerNotLive when the model or the solvers have hung, so that Kubernetes restarts the container."""
        if self._predictor.broken:
            raise ServerNotLive(self._predictor.broken)
        return {"status": "alive"}

    async def ready(self) -> bool:
        """Whether the model is loaded and warm, and the server is not about to stop."""
        return bool(self._predictor.ready) and not self._stopping and self._predictor.broken is None


class _V2(V2Endpoints):  # type: ignore[misc] # the SDK is untyped
    """KServe's V2 without model versions, which it answers with 501."""

    async def model_metadata(self, model_name: str) -> ModelMetadataResponse:
        """`GET /v2/models/{model_name}`."""
        return await super().model_metadata(model_name)

    async def model_ready(self, model_name: str) -> ModelReadyResponse:
        """`GET /v2/models/{model_name}/ready`."""
        return await super().model_ready(model_name)


def load_app(predictor: Predictor, config: ServeConfig) -> ASGIApp:
    """The application with its model loaded and warm; raises what loading raises."""
    predictor.load()
    app = build_app(predictor, config)
    gc.collect()
    gc.freeze()  # or every full collection would stop all requests while it walks through SymPy and torch
    return app


def build_app(predictor: Predictor, config: ServeConfig) -> ASGIApp:
    """The application around a predictor."""
    dataplane = HonestDataPlane(predictor)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        _follow_parent()
        _stop_gently(dataplane.begin_stop, seconds=config.grace_seconds)
        async with _grpc(dataplane, config):
            yield
        predictor.desk.close()

    app = FastAPI(title="intclass", docs_url=None, redoc_url=None, lifespan=lifespan)
    add_page(app, Answers(predictor, config), dataplane.live)
    _add_routes(app, dataplane)
    for kind in STATUS:
        app.add_exception_handler(kind, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _internal_error)
    return Gate(Inference(app, dataplane), config)


@contextlib.asynccontextmanager
async def _grpc(dataplane: DataPlane, config: ServeConfig) -> AsyncIterator[None]:
    if config.grpc_port is None:
        yield
        return
    server = build_grpc_server(dataplane, config)
    await server.start()
    yield
    await server.stop(grace=config.drain_seconds)


def _add_routes(app: FastAPI, dataplane: DataPlane) -> None:
    v1, v2 = V1Endpoints(dataplane), _V2(dataplane)
    app.get("/metrics")(metrics.exposition)
    app.get("/v1/models")(v1.models)
    app.get("/v1/models/{model_name}")(v1.model_ready)
    app.get("/v2")(v2.metadata)
    app.get("/v2/health/live")(v2.live)
    app.get("/v2/health/ready")(v2.ready)
    app.get("/v2/models")(v2.models)
    app.get("/v2/models/{model_name}")(v2.model_metadata)
    app.get("/v2/models/{model_name}/ready")(v2.model_ready)


async def _refused(_: Request, error: Exception) -> Response:
    return refusal(error)


async def _internal_error(request: Request, error: Exception) -> Response:
    return internal_error(request, error)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def _stop_gently(announce: Callable[[], None], *, seconds: float) -> None:
    """On SIGTERM, announce it first, and only so many seconds later do what was to be done; at once for a second."""
    if threading.current_thread() is not threading.main_thread():
        return  # signals are somebody else's
    stop = signal.getsignal(signal.SIGTERM)
    assert callable(stop)
    announced = False

    def on_signal(number: int, _: FrameType | None) -> None:
        nonlocal announced
        if announced or seconds == 0:
            announce()
            stop(number, None)
            return
        announced = True
        announce()
        timer = threading.Timer(seconds, stop, (number, None))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGTERM, on_signal)


def _follow_parent() -> None:
    """Stop when the supervisor dies without a word, so that no worker is left behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        asyncio.get_running_loop().add_reader(parent.sentinel, os.kill, os.getpid(), signal.SIGTERM)
