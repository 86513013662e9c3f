"""Compiling the pipeline: the committed YAML is what Kubeflow gets and what a laptop runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

COMPILED: Final = Path(__file__).parent / "compiled" / "integrability.yaml"


def compile_pipeline(path: Path = COMPILED) -> Path:
    """Write the pipeline as KFP YAML; the same sources give the same bytes. Returns the path."""
    from kfp.compiler import Compiler

    from intclass.pipelines.integrability import integrability

    Compiler().compile(integrability, package_path=str(path))
    return path


def is_stale(path: Path = COMPILED) -> bool:
    """Whether the file differs from what the sources compile to."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = compile_pipeline(Path(folder) / path.name)
        return not path.exists() or fresh.read_bytes() != path.read_bytes()
