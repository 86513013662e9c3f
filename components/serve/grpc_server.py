"""V2 over gRPC: KServe's service on an interface and with limits of our own choosing."""

from __future__ import annotations

import logging
from typing import NoReturn

import grpc
from grpc_interceptor.exceptions import PermissionDenied
from kserve.errors import InvalidInput, ModelNotFound
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc
from kserve.protocol.grpc.interceptors import ExceptionToStatusInterceptor
from kserve.protocol.grpc.servicer import InferenceServicer

from intclass.components.serve.config import ServeConfig


def build_grpc_server(dataplane: DataPlane, config: ServeConfig) -> grpc.aio.Server:
    """The server, bound to `config.grpc_port` on `config.host`, not started. Workers share the port."""
    logging.getLogger("kserve").addFilter(_drop_refusals)
    server = grpc.aio.server(
        interceptors=(ExceptionToStatusInterceptor(),),
        maximum_concurrent_rpcs=config.max_concurrent,
        options=[
            ("grpc.max_receive_message_length", config.max_body_bytes),
            ("grpc.so_reuseport", int(config.workers > 1)),
        ],
    )
    servicer = InferenceServicer(dataplane, _FixedModels())
    grpc_predict_v2_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(servicer, server)
    server.add_insecure_port(f"{config.host}:{config.grpc_port}")
    return server


class _FixedModels:
    """Stands in for the SDK's model repository extension, through which any client could unload the model."""

    async def load(self, model_name: str) -> NoReturn:
        raise PermissionDenied("models are loaded when the server starts")

    unload = load


def _drop_refusals(record: logging.LogRecord) -> bool:
    """False for the SDK's traceback of a refused request, whose last line quotes the input."""
    return not (record.exc_info and isinstance(record.exc_info[1], InvalidInput | ModelNotFound))
