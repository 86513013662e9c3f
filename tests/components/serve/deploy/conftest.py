"""A cluster with KServe, models in its bucket, and two images: ours, and one whose server needs no torch."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from intclass.components.finetune import Classifier
from intclass.components.serve import ServeConfig
from intclass.components.serve.deploy import DeployConfig, deploy
from intclass.components.serve.deploy.golden import INTEGRANDS
from intclass.components.shared import storage
from intclass.components.shared.manifest import write_manifest
from tests.cluster import Cluster
from tests.cluster.resources import INFERENCE_SERVICES, PODS, Object

NAMESPACE = "intclass"
STUB = "stub"
QUICK = ServeConfig(solvers=0)  # no solver, no time to wait before it ends


@dataclass
class Deployer:
    """Deploys models into the cluster, and looks at what has become of them."""

    cluster: Cluster
    stream: io.StringIO = field(default_factory=io.StringIO)

    def __call__(self, model: str, **options: Any) -> list[dict[str, Any]]:
        settings = {"image": STUB, "watch_seconds": 1.0, "max_error_rate": 0.0, "ready_seconds": 60.0, **options}
        config = DeployConfig(**settings)
        return deploy(model, config, serving=QUICK, stream=self.stream, poll_seconds=1)

    @property
    def told(self) -> str:
        return self.stream.getvalue()

    def service(self, name: str = "intclass") -> Object:
        return self.cluster.store.get(INFERENCE_SERVICES, NAMESPACE, name)

    @property
    def services(self) -> list[str]:
        return [thing["metadata"]["name"] for thing in self.cluster.store.all(INFERENCE_SERVICES)]

    @property
    def models(self) -> list[str]:
        """Which models the pods serve that are not being deleted, by the last part of their address."""
        pods = [pod for pod in self.cluster.store.all(PODS) if not pod["metadata"].get("deletionTimestamp")]
        variables = [pod["spec"]["containers"][0]["env"] for pod in pods]
        sources = [{one["name"]: one["value"] for one in each}["STORAGE_URI"] for each in variables]
        return sorted(source.rpartition("/")[2] for source in sources)


@pytest.fixture
def cluster(tmp_path: Path, gs_root: str, gcs_emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("stub.py")} "$@"\n')
    python.chmod(0o755)
    environment = {"STORAGE_EMULATOR_HOST": gcs_emulator, "OMP_NUM_THREADS": "1"}
    images = {STUB: {"PATH": str(python.parent)}}
    with Cluster(tmp_path / "cluster", environment=environment, images=images) as running:
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(running.kubeconfig))
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig))
        yield running


@pytest.fixture
def deployer(cluster: Cluster) -> Deployer:
    return Deployer(cluster)


@pytest.fixture
def put_model(model: Path, gs_root: str, tmp_path: Path) -> Callable[..., str]:
    """Puts the model into the bucket under a name, sharpened by a temperature so that names have other answers."""

    def put(name: str, *, temperature: float = 1.0, **behaviour: Any) -> str:
        folder = shutil.copytree(model, tmp_path / name)
        calibration = json.loads((folder / "calibration.json").read_text())
        (folder / "calibration.json").write_text(json.dumps(calibration | {"temperature": temperature}))
        probabilities = [float(value) for value in Classifier.load(folder).predict(INTEGRANDS)]
        (folder / "answers.json").write_text(json.dumps(dict(zip(INTEGRANDS, probabilities, strict=True))))
        (folder / "behaviour.json").write_text(json.dumps(behaviour))
        write_manifest(folder, "finetune", config={"name": name})
        storage.copy_folder(folder, f"{gs_root}/{name}")
        return f"{gs_root}/{name}"

    return put
