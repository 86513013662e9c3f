"""Compiling the pipeline: the committed YAML is what Kubeflow gets and what a laptop runs."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from intclass.components.shared.errors import ConfigError

COMPILED: Final = Path(__file__).parent / "compiled" / "integrability.yaml"
TARGETS: Final[Mapping[str, Path]] = {"kubeflow": COMPILED, "vertex": COMPILED.with_name("integrability-vertex.yaml")}


def compiled_file(target: str) -> Path:
    """The committed file for a target; raises ConfigError if there is no such target."""
    if target not in TARGETS:
        raise ConfigError(f"target is '{target}'; choose one of {', '.join(TARGETS)}")
    return TARGETS[target]


def compile_pipeline(path: Path = COMPILED, *, target: str = "kubeflow") -> Path:
    """Write the pipeline as KFP YAML; the same sources give the same bytes. Returns the path.

    For Kubeflow it has two documents, the second one for Kubernetes; for Vertex AI it has one.
    """
    from kfp.compiler import Compiler

    from intclass.pipelines.integrability import build
    from intclass.pipelines.placement import Placement

    compiled_file(target)
    Compiler().compile(build(Placement(target=target)), package_path=str(path))  # type: ignore[arg-type]
    return path


def is_stale(path: Path = COMPILED, *, target: str = "kubeflow") -> bool:
    """Whether the file differs from what the sources compile to."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = compile_pipeline(Path(folder) / path.name, target=target)
        return not path.exists() or fresh.read_bytes() != path.read_bytes()
