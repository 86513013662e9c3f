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
from safetensors.torch import load_file, save_file

from intclass.components.finetune import Classifier
from intclass.components.serve import ServeConfig
from intclass.components.serve.deploy import DeployConfig, deploy
from intclass.components.serve.deploy.golden import INTEGRANDS
from intclass.components.shared import storage
from intclass.components.shared.manifest import write_manifest
from tests.cluster import Cluster
from tests.cluster.inferenceservices import RUNTIME_IMAGE, SOURCE
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
    def pods(self) -> list[Object]:
        """Those that are not being deleted."""
        return [pod for pod in self.cluster.store.all(PODS) if not pod["metadata"].get("deletionTimestamp")]

    @property
    def models(self) -> list[str]:
        """Which models the pods serve, by the last part of their address."""
        return sorted(pod["metadata"]["annotations"][SOURCE].rpartition("/")[2] for pod in self.pods)


@pytest.fixture
def cluster(tmp_path: Path, gs_root: str, gcs_emulator: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    environment = {"STORAGE_EMULATOR_HOST": gcs_emulator, "OMP_NUM_THREADS": "1"}
    images = {
        STUB: {"PATH": _image(tmp_path / "stub", "stub.py")},
        RUNTIME_IMAGE: {"PATH": _image(tmp_path / "runtime", "huggingface_stub.py")},
    }
    with Cluster(tmp_path / "cluster", environment=environment, images=images) as running:
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(running.kubeconfig))
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig))
        yield running


def _image(folder: Path, program: str) -> str:
    """A folder for PATH whose `python` runs a program of ours, whatever its arguments."""
    folder.mkdir()
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name(program)} "$@"\n')
    python.chmod(0o755)
    return str(folder)


@pytest.fixture
def deployer(cluster: Cluster) -> Deployer:
    return Deployer(cluster)


@pytest.fixture
def put_model(model: Path, gs_root: str, tmp_path: Path) -> Callable[..., str]:
    """Puts the model into the bucket under a name, made other by a temperature or by other weights."""

    def put(name: str, *, of: Path = model, temperature: float = 1.0, weights: float = 1.0, **behaviour: Any) -> str:
        folder = shutil.copytree(of, tmp_path / name, dirs_exist_ok=True)
        if weights != 1.0:
            path = folder / "model.safetensors"
            save_file({key: weights * value for key, value in load_file(path).items()}, path, {"format": "pt"})
        calibration = json.loads((folder / "calibration.json").read_text())
        (folder / "calibration.json").write_text(json.dumps(calibration | {"temperature": temperature}))
        probabilities = [float(value) for value in Classifier.load(folder).predict(INTEGRANDS)]
        (folder / "answers.json").write_text(json.dumps(dict(zip(INTEGRANDS, probabilities, strict=True))))
        (folder / "behaviour.json").write_text(json.dumps(behaviour))
        write_manifest(folder, "finetune", config={"name": name})
        storage.copy_folder(folder, f"{gs_root}/{name}")
        return f"{gs_root}/{name}"

    return put
