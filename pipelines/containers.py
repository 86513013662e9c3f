"""Running each task in a container of its own image, by a Docker engine or by Podman, which speaks the same API.

The containers are what they are on a cluster: not root, a read-only root folder, no privileges. They see the run's
folder, and what lies at absolute paths among the arguments, which they can only read.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from intclass.components.shared.errors import ConfigError
from intclass.components.shared.kube.containers import USER
from intclass.components.shared.progress import EVENT_FILE_VARIABLE
from intclass.pipelines.compiling import COMPILED

Engine = Literal["docker", "podman"]

_LABEL: Final = "intclass.run"
_HOST_VARIABLE: Final = "DOCKER_HOST"
_USUAL_HOST: Final = "unix:///var/run/docker.sock"
_START_SECONDS: Final = 60.0
# Tasks do not serve; Podman would make a systemd timer for the health check of an image that does.
_PODMAN_ENVIRONMENT: Final = {"DISABLE_HC_SYSTEMD": "true"}
_SHARED_MEMORY: Final = "1g"  # for processes that train together; an engine gives 64 MB


@contextlib.contextmanager
def answering(engine: Engine) -> Iterator[None]:
    """Within it DOCKER_HOST is right: as the caller has it for docker; for podman a service is started, and ended.

    Raises ConfigError if no engine answers or its client is not installed, with the way out.
    """
    if importlib.util.find_spec("docker") is None:
        raise ConfigError("no client for container engines: install the extra, pip install 'intclass[containers]'")
    if engine == "docker":
        _check_answers("start Docker, name another engine's address in DOCKER_HOST, or take --runner podman")
        yield
        return
    before = os.environ.get(_HOST_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="intclass-podman-") as folder, _podman(Path(folder, "socket")) as address:
        os.environ[_HOST_VARIABLE] = address
        try:
            _check_answers("see what `podman info` says")
            yield
        finally:
            os.environ.pop(_HOST_VARIABLE)
            if before is not None:
                os.environ[_HOST_VARIABLE] = before


@contextlib.contextmanager
def _podman(socket: Path) -> Iterator[str]:
    """The address of a service of Podman's that lives as long as the block."""
    podman = shutil.which("podman")
    if podman is None:
        raise ConfigError("podman is not installed: apt-get install podman, or take --runner docker")
    address = f"unix://{socket}"
    command = [podman, "system", "service", "--time=0", address]
    service = subprocess.Popen(command, env={**os.environ, **_PODMAN_ENVIRONMENT})
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not socket.exists() and service.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        yield address
    finally:
        service.terminate()
        service.wait()


def _check_answers(way_out: str) -> None:
    from docker.errors import DockerException

    kind, _, path = os.environ.get(_HOST_VARIABLE, _USUAL_HOST).partition("://")
    if kind == "unix" and not Path(path).exists():
        raise ConfigError(f"no container engine answers (there is no {path}); {way_out}")
    try:
        with _client() as client:
            client.ping()
    except DockerException as error:
        raise ConfigError(f"no container engine answers ({error}); {way_out}") from None


def images_fingerprint(compiled: Path = COMPILED) -> str:
    """16 hex digits over the images of the pipeline's tasks; raises ConfigError if one is not here."""
    from docker.errors import ImageNotFound

    found, missing = [], []
    with _client() as client:
        for name in sorted(_images(compiled)):
            try:
                found.append(client.images.get(name).id)
            except ImageNotFound:
                missing.append(name)
    if missing:
        raise ConfigError(f"no image {', '.join(missing)} here; build them with `make images`")
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]


def _images(compiled: Path) -> set[str]:
    specification = next(yaml.safe_load_all(compiled.read_text()))
    executors = specification["deploymentSpec"]["executors"].values()
    return {executor["container"]["image"] for executor in executors if "container" in executor}


def task_runner(engine: Engine, out: Path, events: Path, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - kfp is untyped
    """What kfp.local runs the tasks of the run below `out` with; they append their progress to `events`."""
    from kfp import local
    from kfp.local import docker_task_handler

    docker_task_handler.run_docker_container = run_container
    return local.DockerRunner(**container_options(engine, out, events, arguments))


def container_options(engine: Engine, out: Path, events: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the engine is told for every task."""
    from docker.types import Mount

    given = {text for text in arguments.values() if isinstance(text, str) and Path(text).is_absolute()}
    readable = [path for path in sorted(map(Path, given)) if path.exists() and not path.is_relative_to(out)]
    return {
        "user": f"{_user()}:{_group()}",
        "mounts": [
            Mount(target=str(out), source=str(out), type="bind"),
            *(Mount(target=str(path), source=str(path), type="bind", read_only=True) for path in readable),
        ],
        "environment": {EVENT_FILE_VARIABLE: str(events)},
        "labels": {_LABEL: str(out)},
        "read_only": True,
        "tmpfs": {"/tmp": ""},  # noqa: S108
        "shm_size": _SHARED_MEMORY,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        # Asked through this API, Podman makes a bridge whatever its configuration says, which not every machine can.
        **({"network_mode": "host"} if engine == "podman" else {}),
    }


def run_container(
    client: Any,  # noqa: ANN401 - docker has no types
    image: str,
    command: Sequence[str],
    volumes: Mapping[str, Any],
    **options: Any,  # noqa: ANN401
) -> int:
    """Run one task, printing its log; returns its exit code.

    It stands in for kfp's own function (2.17), which lets the engine remove the container when it ends, and takes a
    task that failed for one that succeeded when the removal is faster than its question for the exit code.
    """
    print(f"Image {image}\n")  # noqa: T201 - kfp makes the run's log from what is printed
    container = client.containers.run(image=image, command=command, volumes=volumes, detach=True, **options)
    try:
        for piece in container.logs(stream=True):
            print(piece.decode(errors="replace"), end="")  # noqa: T201
        return int(container.wait()["StatusCode"])
    finally:
        container.remove(force=True)


def _user() -> int:
    """The caller, who then owns what the tasks write; nobody's tasks run as root."""
    return os.getuid() or USER


def _group() -> int:
    return os.getgid() if os.getuid() else USER


def hand_over(*places: Path) -> None:
    """Give the places to the containers' user, if that is not the caller; missing ones are made as folders."""
    for place in places:
        if not place.exists():
            place.mkdir(parents=True)
        if os.getuid() == 0:
            for path in (place, *place.rglob("*")):
                os.chown(path, _user(), _group(), follow_symlinks=False)


def remove_containers(out: Path) -> None:
    """Remove the containers that a run below `out` has left, stopping those that work on."""
    from docker.errors import APIError

    with _client() as client:
        for container in client.containers.list(all=True, filters={"label": f"{_LABEL}={out}"}, ignore_removed=True):
            with contextlib.suppress(APIError):  # it has just ended by itself
                container.remove(force=True)


@contextlib.contextmanager
def _client() -> Iterator[Any]:
    import docker

    with contextlib.closing(docker.from_env()) as client:
        yield client
