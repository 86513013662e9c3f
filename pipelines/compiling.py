"""Compiling the pipelines: the committed YAML is what Kubeflow gets and what a laptop runs."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from intclass.components.shared.errors import ConfigError

INTEGRABILITY: Final = "integrability"
KUBEFLOW: Final = "kubeflow"

_FOLDER: Final = Path(__file__).parent / "compiled"
_BUILDERS: Final = {
    INTEGRABILITY: "intclass.pipelines.integrability",
    "growing": "intclass.pipelines.growth.growing",
}
# Of each pipeline and target.
FILES: Final[Mapping[tuple[str, str], Path]] = {
    (INTEGRABILITY, KUBEFLOW): _FOLDER / "integrability.yaml",
    (INTEGRABILITY, "vertex"): _FOLDER / "integrability-vertex.yaml",
    ("growing", KUBEFLOW): _FOLDER / "growing.yaml",
}
COMPILED: Final = FILES[INTEGRABILITY, KUBEFLOW]


def compiled_file(pipeline: str = INTEGRABILITY, target: str = KUBEFLOW) -> Path:
    """The committed file of a pipeline for a target; raises ConfigError if there is none."""
    if (pipeline, target) not in FILES:
        known = ", ".join(f"{name} for {place}" for name, place in FILES)
        raise ConfigError(f"no pipeline '{pipeline}' for '{target}'; there are {known}")
    return FILES[pipeline, target]


def compile_pipeline(path: Path = COMPILED, *, pipeline: str = INTEGRABILITY, target: str = KUBEFLOW) -> Path:
    """Write the pipeline as KFP YAML; the same sources give the same bytes. Returns the path.

    For Kubeflow it has two documents, the second one for Kubernetes; for Vertex AI it has one.
    """
    from kfp.compiler import Compiler

    from intclass.pipelines.placement import Placement

    compiled_file(pipeline, target)
    build = importlib.import_module(_BUILDERS[pipeline]).build
    Compiler().compile(build(Placement(target=target)), package_path=str(path))  # type: ignore[arg-type]
    return path


def is_stale(path: Path = COMPILED, *, pipeline: str = INTEGRABILITY, target: str = KUBEFLOW) -> bool:
    """Whether the file differs from what the sources compile to."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = compile_pipeline(Path(folder) / path.name, pipeline=pipeline, target=target)
        return not path.exists() or fresh.read_bytes() != path.read_bytes()
