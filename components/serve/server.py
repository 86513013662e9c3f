"""Starting the predictor: one process, or a supervisor over several that share a socket."""

from __future__ import annotations

import errno
import functools
import logging
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from intclass.components.serve.config import ServeConfig
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, IntclassError, ServingError
from intclass.components.shared.manifest import is_complete

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_WORKER_HEALTH_SECONDS = 120  # a worker that imports torch on a busy machine is slow to answer its supervisor
_LOGGING: Final = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s[%(process)d] %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {"intclass": {"level": "INFO"}, "uvicorn": {"level": "INFO"}},
}

_log = logging.getLogger(__name__)


def serve(model: str | Path, config: ServeConfig) -> None:
    """Serve the model folder (a path, or gs://) until SIGTERM or Ctrl-C, then finish what is under way and return.

    Prints one line with the address as soon as it is taken; connections are accepted once the model is loaded and warm.
    Raises ConfigError if there is no model or a port is in use, ServingError if no worker can load the model.
    """
    if not is_complete(model):
        raise ConfigError(
            f"{model}: no model here: make one with `intclass run`, or with `intclass finetune DATASET --out {model}`"
        )
    if config.grpc_port is not None:
        _bind(config.host, config.grpc_port).close()  # gRPC itself would share the port with a stranger
    with storage.local_folder(model) as folder, _bind(config.host, config.port) as listener:
        sys.stdout.write(f"serving {model} as '{config.model_name}' on {_url(listener)}\n")
        sys.stdout.flush()
        start = _serve_alone if config.workers == 1 else _supervise
        start(str(folder), config, listener)


def _serve_alone(folder: str, config: ServeConfig, listener: socket.socket) -> None:
    from uvicorn import Config, Server

    # After its graceful stop uvicorn raises the signal again for whoever listened before: that is a success here.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    settings = Config(functools.partial(_load, folder, config), **_settings(config))
    settings.load()  # before the event loop starts, so that an error in the model is the caller's
    Server(settings).run([listener])


def _supervise(folder: str, config: ServeConfig, listener: socket.socket) -> None:
    from uvicorn import Config
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    with tempfile.TemporaryDirectory(prefix="intclass-metrics-") as counters:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counters  # read when prometheus_client is imported, in the workers
        app = functools.partial(_load_in_worker, folder, config)
        supervisor = Multiprocess(Config(app, **_settings(config)), [listener])
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise ServingError(f"{folder}: no worker could load this model; the log above has the reason")


def _settings(config: ServeConfig) -> dict[str, Any]:
    return {
        "factory": True,
        "workers": config.workers,
        "log_config": _LOGGING,
        "access_log": False,  # it would hold paths and queries as sent; the gate writes its own
        "server_header": False,
        "ws": "none",
        "timeout_graceful_shutdown": config.drain_seconds,
        "timeout_keep_alive": 65,  # longer than a load balancer's, or it would answer 502 now and then
        "timeout_worker_healthcheck": _WORKER_HEALTH_SECONDS,
    }


def _load(folder: str, config: ServeConfig) -> ASGIApp:
    from intclass.components.serve.app import load_app  # brings torch and the SDK

    return load_app(folder, config)


def _load_in_worker(folder: str, config: ServeConfig) -> ASGIApp:
    from uvicorn.config import STARTUP_FAILURE

    try:
        return _load(folder, config)
    except IntclassError as error:
        _log.error("%s", error)
        sys.exit(STARTUP_FAILURE)  # tells the supervisor that another try would end the same way


def _bind(host: str, port: int) -> socket.socket:
    """A socket that has the address but does not listen yet; raises ConfigError if it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(f"port {port} on {host} is in use: choose another, or 0 for a free one") from error
        raise ConfigError(f"cannot listen on {host}, port {port}: {error.strerror or error}") from error
    return taken


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
