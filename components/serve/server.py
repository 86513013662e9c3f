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
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from intclass.components.serve.config import ServeConfig
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, IntclassError, ServingError
from intclass.components.shared.manifest import is_complete

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    Load = Callable[[str, ServeConfig], ASGIApp]

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
        bind(config.host, config.grpc_port).close()  # gRPC itself would share the port with a stranger
    with storage.local_folder(model) as folder, bind(config.host, config.port) as listener:
        announce(f"serving {model} as '{config.model_name}'", listener)
        run_app(_load, str(folder), config, listener)


def announce(what: str, listener: socket.socket) -> None:
    """Tell the caller of this program, on one line of its output, at which address it will answer."""
    host, port = listener.getsockname()[:2]
    sys.stdout.write(f"{what} on http://{f'[{host}]' if ':' in host else host}:{port}\n")
    sys.stdout.flush()


def run_app(load: Load, folder: str, config: ServeConfig, listener: socket.socket) -> None:
    """Serve the application that `load` makes of the folder, in each of `config.workers` processes.

    Returns after SIGTERM or Ctrl-C, when what was under way is finished. Raises what `load` raises, and ServingError
    if no worker of several can load the model; several need a `load` that can be pickled.
    """
    start = _serve_alone if config.workers == 1 else _supervise
    start(load, folder, config, listener)


def _serve_alone(load: Load, folder: str, config: ServeConfig, listener: socket.socket) -> None:
    from uvicorn import Config, Server

    # After its graceful stop uvicorn raises the signal again for whoever listened before: that is a success here.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    settings = Config(functools.partial(load, folder, config), **_settings(config))
    settings.load()  # before the event loop starts, so that an error in the model is the caller's
    Server(settings).run([listener])


def _supervise(load: Load, folder: str, config: ServeConfig, listener: socket.socket) -> None:
    from uvicorn import Config
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    with tempfile.TemporaryDirectory(prefix="intclass-metrics-") as counters:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counters  # read when prometheus_client is imported, in the workers
        app = functools.partial(_load_in_worker, load, folder, config)
        with _Shared.of(listener) as shared:
            supervisor = Multiprocess(Config(app, **_settings(config)), [shared])
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
    from intclass.components.serve.predictor import Predictor

    return load_app(Predictor(folder, config), config)


def _load_in_worker(load: Load, folder: str, config: ServeConfig) -> ASGIApp:
    from uvicorn.config import STARTUP_FAILURE

    try:
        return load(folder, config)
    except IntclassError as error:
        _log.error("%s", error)
        sys.exit(STARTUP_FAILURE)  # tells the supervisor that another try would end the same way


def bind(host: str, port: int) -> socket.socket:
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


class _Shared(socket.socket):
    """A socket that each worker receives as one of its own, at the same address.

    Then the kernel shares connections out among those who listen. One socket for all leaves nearly all of them to
    whichever worker is awake first.
    """

    @classmethod
    def of(cls, taken: socket.socket) -> socket.socket:
        """The same socket, to be handed to workers; itself where the kernel does not share connections out."""
        if sys.platform != "linux":
            return taken
        # Not before it was bound: then a port that somebody else shares with itself would have been taken for free.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return cls(taken.family, taken.type, taken.proto, fileno=taken.detach())

    def __reduce__(self) -> tuple[Callable[..., socket.socket], tuple[object, ...]]:
        """How it travels to a worker: as the way to make the worker's own."""
        return _own_socket, (self.family, self.getsockname())


def _own_socket(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    own = socket.socket(family, socket.SOCK_STREAM)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        own.setsockopt(socket.SOL_SOCKET, option, 1)
    own.bind(address)
    return own
