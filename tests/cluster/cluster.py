"""The cluster: the API server, the garbage collector, the controllers and one node."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import yaml

from tests.cluster import schemas
from tests.cluster.events import Recorder
from tests.cluster.experiments import ExperimentController, TrialController
from tests.cluster.faults import Faults
from tests.cluster.garbage import GarbageCollector
from tests.cluster.http_api import Handler
from tests.cluster.inferenceservices import InferenceServiceController
from tests.cluster.jobs import JobController
from tests.cluster.kubelet import Kubelet
from tests.cluster.pytorchjobs import PyTorchJobController
from tests.cluster.quotas import Quotas
from tests.cluster.resources import NAMESPACES, PODS, QUOTAS, Object
from tests.cluster.rights import Rights
from tests.cluster.store import Store
from tests.cluster.trainjobs import TrainJobController

NAMESPACE: Final = "intclass"
_STEP_SECONDS: Final = 0.05


class _Reconciler(Protocol):
    def reconcile(self) -> None: ...


class Cluster:
    """A running cluster; use it in a `with` statement, at whose end every process of a pod is dead.

    Args:
        folder: Where pods get their working folders; a temporary one if None.
        gpus: How many GPUs the one node has.
        environment: Variables that every container finds, as if its image had set them.
        images: Variables that only the containers of an image find, such as another PATH.
        containers: Whether pods are real containers of their images, by podman, instead of processes.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        gpus: int = 0,
        environment: Mapping[str, str] | None = None,
        images: Mapping[str, Mapping[str, str]] | None = None,
        containers: bool = False,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="intclass-cluster-")
        self.folder = folder or Path(self._temporary.name)
        self.store, self.faults, self.token = Store(), Faults(), str(uuid.uuid4())
        self.rights = Rights()
        self.store.admission += [schemas.admit, Quotas(self.store).admit]
        self.kubelet = Kubelet(
            self.store,
            self.folder / "pods",
            gpus=gpus,
            environment=environment or {},
            images=images or {},
            containers=containers,
        )
        self.stopping = False
        self.failures: list[str] = []
        self._ports: dict[str, int] = {}
        recorder = Recorder(self.store)
        self.serving = InferenceServiceController(self.store, recorder)
        self._reconcilers: list[_Reconciler] = [
            GarbageCollector(self.store),
            JobController(self.store, recorder),
            PyTorchJobController(self.store, recorder, port=self.port_of),
            TrainJobController(self.store, recorder, port=self.port_of),
            ExperimentController(self.store, recorder),
            TrialController(self.store, recorder, kubelet=self.kubelet),
            self.serving,
            self.kubelet,
        ]
        handler = type("ClusterHandler", (Handler,), {"cluster": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._threads = [
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True),
            threading.Thread(target=self._control, daemon=True),
        ]

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def kubeconfig(self) -> Path:
        """A file for KUBECONFIG, written anew at each call, with the present token."""
        path = self.folder / "kubeconfig"
        entry = {"cluster": "test", "user": "test", "namespace": NAMESPACE}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {"token": self.token}}],
            "contexts": [{"name": "test", "context": entry}],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    def rotate_token(self) -> None:
        """Make the present token invalid, as after its hour, and write the next one to the kubeconfig file."""
        self.token = str(uuid.uuid4())
        assert self.kubeconfig.exists()

    def evict(self, pod: str, *, namespace: str = NAMESPACE) -> None:
        """Take the pod from its node, which ends it with exit code 143."""
        why = "Pod was terminated in response to imminent node shutdown."
        self.kubelet.evict(self.store.get(PODS, namespace, pod), message=why)

    def set_quota(self, hard: Mapping[str, int], *, namespace: str = NAMESPACE) -> None:
        """Allow only so many objects: `{"pods": 1}`, or `{"count/pytorchjobs.kubeflow.org": 0}`."""
        spec: dict[str, Any] = {"hard": {key: str(value) for key, value in hard.items()}}
        with contextlib.suppress(Exception):
            self.store.delete(QUOTAS, namespace, "quota")
        self.store.create(QUOTAS, namespace, {"metadata": {"name": "quota"}, "spec": spec})

    def port_of(self, owner: Object) -> int:
        """A free port, the same for the same owner."""
        uid = owner["metadata"]["uid"]
        if uid not in self._ports:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._ports[uid] = probe.getsockname()[1]
        return self._ports[uid]

    def wait_for(self, condition: Callable[[], bool], *, seconds: float = 20) -> None:
        """Wait until the condition holds; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not within {seconds} s")
            time.sleep(_STEP_SECONDS)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.store.create(NAMESPACES, "", {"metadata": {"name": NAMESPACE}})
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping = True
        self._server.shutdown()
        for thread in self._threads:
            thread.join()
        self._server.server_close()
        self.kubelet.stop()
        self.serving.stop()
        self._temporary.cleanup()
        assert not self.failures, "\n".join(self.failures)

    def _control(self) -> None:
        while not self.stopping:
            try:
                for reconciler in self._reconcilers:
                    reconciler.reconcile()
            except Exception:
                self.failures.append(traceback.format_exc())
            with self.store.changed:
                self.store.changed.wait(_STEP_SECONDS)
