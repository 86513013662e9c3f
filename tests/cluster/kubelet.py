"""One node: it schedules pods onto itself, runs their containers and reports what becomes of them."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from intclass.components.shared import storage
from intclass.components.shared.errors import StorageError
from tests.cluster import errors
from tests.cluster.inferenceservices import SOURCE
from tests.cluster.podman import podman_container
from tests.cluster.pods import Container, Log, container_environment, image_environment, process_container
from tests.cluster.probes import Probes
from tests.cluster.resources import PODS, SERVICES, Object, name_of, namespace_of, uid_of
from tests.cluster.store import Store, now

GPU: Final = "nvidia.com/gpu"
NODE: Final = "node-0"
MODELS: Final = "/mnt/models"


@dataclass
class _Running:
    """The containers of one pod: those that run or ran last, and those before them."""

    containers: list[Container]
    probes: list[Probes]
    address: str
    before: dict[str, Container] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    kill_at: float = float("inf")
    evicted: str = ""


class Kubelet:
    """Runs the pods of the store on a node with so many GPUs, as processes or, with `containers`, in real ones.

    Attributes:
        models: What the storage initializer finds under an address, where that is not what lies there.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        *,
        gpus: int,
        environment: Mapping[str, str],
        images: Mapping[str, Mapping[str, str]],
        containers: bool = False,
    ) -> None:
        self._store, self._folder, self._gpus = store, folder, gpus
        self._usual = {**({} if containers else image_environment()), **environment}
        self._images = images
        self._start_container = podman_container if containers else process_container
        self._pods: dict[str, _Running] = {}
        # Other clusters on this machine have other addresses.
        self._network = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}"
        self.models: dict[str, str] = {}

    def reconcile(self) -> None:
        """Bring every pod one step on."""
        pods = self._store.all(PODS)
        for pod in pods:
            if pod["metadata"].get("deletionTimestamp"):
                self._terminate(pod)
            elif uid_of(pod) not in self._pods and pod["status"]["phase"] == "Pending":
                self._start(pod, pods)
            elif uid_of(pod) in self._pods and pod["status"]["phase"] == "Running":
                self._observe(pod)

    def stop(self) -> None:
        """Kill all processes."""
        for running in self._pods.values():
            for container in running.containers:
                container.signal(signal.SIGKILL)
                container.process.wait()

    def evict(self, pod: Object, *, message: str) -> None:
        """Take the pod off its node, as a spot machine that is taken back does: SIGTERM, and failed when it has ended.

        Whatever the process makes of the signal, the container is reported with exit code 143.
        """
        running = self._pods[uid_of(pod)]
        running.evicted = message
        for container in running.containers:
            container.signal(signal.SIGTERM)
        running.kill_at = time.monotonic() + 2

    def signal(self, pod: Object, number: int) -> None:
        """Signal the first process of each of the pod's containers."""
        for container in self._pods[uid_of(pod)].containers:
            container.signal(number)

    def log(self, pod: Object, container: str | None, *, previous: bool = False) -> Log:
        """The log of a container; raises ApiError 400 where there is none to show."""
        specified = [entry["name"] for entry in pod["spec"]["containers"]]
        if container is None and len(specified) > 1:
            names = " ".join(specified)
            raise errors.bad_request(
                f"a container name must be specified for pod {name_of(pod)}, choose one of: [{names}]"
            )
        name = container or specified[0]
        if name not in specified:
            raise errors.bad_request(f"container {name} is not valid for pod {name_of(pod)}")
        running = self._pods.get(uid_of(pod))
        if running is None:
            raise errors.bad_request(
                f'container "{name}" in pod "{name_of(pod)}" is waiting to start: ContainerCreating'
            )
        if previous and name not in running.before:
            raise errors.bad_request(f'previous terminated container "{name}" in pod "{name_of(pod)}" not found')
        current = next(entry for entry in running.containers if entry.name == name)
        return (running.before[name] if previous else current).log

    def _start(self, pod: Object, pods: list[Object]) -> None:
        taken = sum(_gpus(other) for other in pods if uid_of(other) in self._pods and _active(other))
        if _gpus(pod) > self._gpus - taken:
            self._report_unschedulable(pod)
            return
        address = self._address(pod)
        try:
            self._initialize(pod)
            containers = [self._run(entry, pod, address) for entry in pod["spec"]["containers"]]
        except (OSError, StorageError) as error:
            self._report(pod, "Pending", [_waiting(entry, error) for entry in pod["spec"]["containers"]])
            return
        manifests = pod["spec"]["containers"]
        probes = [_probes(entry, one, address) for entry, one in zip(manifests, containers, strict=True)]
        self._pods[uid_of(pod)] = _Running(containers, probes, address)
        self._observe(pod)

    def _address(self, pod: Object) -> str:
        """One of its own for a pod that says it listens; other pods share the loopback address."""
        listens = any("ports" in entry for entry in pod["spec"]["containers"])
        return f"{self._network}.{len(self._pods) % 254 + 1}" if listens else "127.0.0.1"

    def _initialize(self, pod: Object) -> None:
        """What KServe's storage initializer does in a container of its own."""
        source = pod["metadata"].get("annotations", {}).get(SOURCE)
        if source:
            storage.copy_folder(self.models.get(source, source), self._folder / name_of(pod) / "models")

    def _run(self, manifest: Mapping[str, Any], pod: Object, address: str) -> Container:
        services = {name_of(service) for service in self._store.all(SERVICES, namespace_of(pod))}
        image = self._images.get(manifest.get("image", ""), {})
        environment = container_environment(manifest, {**self._usual, **image}, pod, services)
        here = {"0.0.0.0": address, MODELS: str(self._folder / name_of(pod) / "models")}
        folder = self._folder / name_of(pod) / manifest["name"]
        return self._start_container(manifest, pod, environment, folder, here)

    def _observe(self, pod: Object) -> None:
        running = self._pods[uid_of(pod)]
        if time.monotonic() > running.kill_at:
            _kill(running)
        codes = [container.exit_code for container in running.containers]
        for container, probes in zip(running.containers, running.probes, strict=True):
            if probes.dead and container.exit_code is None:
                container.signal(signal.SIGKILL)
        if not running.evicted:
            for position, code in enumerate(codes):
                if code is not None and _restarts(pod, code):
                    self._restart(pod, running, position)
                    codes[position] = None
        if None in codes:
            phase = "Running"
        elif running.evicted or any(codes):
            phase = "Failed"
        else:
            phase = "Succeeded"
        self._report(pod, phase, [_status(position, running) for position in range(len(codes))])

    def _restart(self, pod: Object, running: _Running, position: int) -> None:
        old = running.containers[position]
        manifest = next(entry for entry in pod["spec"]["containers"] if entry["name"] == old.name)
        running.before[old.name] = old
        running.restarts[old.name] = running.restarts.get(old.name, 0) + 1
        running.containers[position] = self._run(manifest, pod, running.address)
        running.probes[position] = _probes(manifest, running.containers[position], running.address)

    def _terminate(self, pod: Object) -> None:
        running = self._pods.get(uid_of(pod))
        if running is not None:
            if running.kill_at == float("inf"):
                for container in running.containers:
                    container.signal(signal.SIGTERM)
                running.kill_at = time.monotonic() + pod["metadata"]["deletionGracePeriodSeconds"]
            if time.monotonic() > running.kill_at:
                _kill(running)
            if any(container.exit_code is None for container in running.containers):
                return
        self._store.remove(PODS, pod)

    def _report(self, pod: Object, phase: str, containers: list[dict[str, Any]]) -> None:
        running = self._pods.get(uid_of(pod))
        ready = "True" if phase == "Running" and all(entry["ready"] for entry in containers) else "False"
        status: dict[str, Any] = {
            "phase": phase,
            "startTime": pod["status"].get("startTime") or now(),
            "hostIP": "127.0.0.1",
            "podIP": running.address if running else "127.0.0.1",
            "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": ready}],
            "containerStatuses": containers,
        }
        if running is not None and running.evicted and phase == "Failed":
            reason = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}
            status["conditions"].append({**reason, "message": running.evicted})
            status |= {"reason": "Terminated", "message": running.evicted}
        self._store.set_status(PODS, {**pod, "status": status})

    def _report_unschedulable(self, pod: Object) -> None:
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": f"0/1 nodes are available: 1 Insufficient {GPU}.",
        }
        self._store.set_status(PODS, {**pod, "status": {"phase": "Pending", "conditions": [condition]}})


def _kill(running: _Running) -> None:
    for container in running.containers:
        container.signal(signal.SIGKILL)


def _probes(manifest: Mapping[str, Any], container: Container, address: str) -> Probes:
    return Probes(manifest, address, runs=lambda: container.exit_code is None)


def _status(position: int, running: _Running) -> dict[str, Any]:
    container = running.containers[position]
    state = container.state
    if running.evicted and "terminated" in state:
        state["terminated"] |= {"exitCode": 143, "reason": "Error"}
    status = {
        "name": container.name,
        "image": "local",
        "imageID": "",
        "ready": "running" in state and running.probes[position].ready,
        "restartCount": running.restarts.get(container.name, 0),
        "state": state,
    }
    if container.name in running.before:
        status["lastState"] = running.before[container.name].state
    return status


def _waiting(manifest: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    waiting = {"reason": "CreateContainerError", "message": str(error)}
    entry = {"name": manifest["name"], "image": manifest.get("image", ""), "imageID": "", "ready": False}
    return {**entry, "restartCount": 0, "state": {"waiting": waiting}}


def _restarts(pod: Object, code: int) -> bool:
    policy = pod["spec"].get("restartPolicy", "Always")
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def _active(pod: Object) -> bool:
    return pod["status"]["phase"] in ("Pending", "Running")


def _gpus(pod: Object) -> int:
    limits = [entry.get("resources", {}).get("limits", {}) for entry in pod["spec"]["containers"]]
    return sum(int(limit.get(GPU, 0)) for limit in limits)
