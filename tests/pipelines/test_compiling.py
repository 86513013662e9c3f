from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2

import intclass.components
from intclass.pipelines.compiling import COMPILED, compile_pipeline, is_stale

STAGES = ["generate", "integrate", "dataset", "finetune", "evaluate", "serve"]


@pytest.fixture(scope="module")
def specification() -> dict[str, Any]:
    [document] = yaml.safe_load_all(COMPILED.read_text())
    assert isinstance(document, dict)
    return document


def test_the_committed_file_is_what_the_sources_compile_to() -> None:
    assert not is_stale(), "run `intclass compile` and commit the result"


def test_a_changed_file_is_stale(tmp_path: Path) -> None:
    path = tmp_path / COMPILED.name
    path.write_text(COMPILED.read_text().replace("100000", "100001"))
    assert is_stale(path)


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_bytes_do_not_depend_on_the_hash_seed(tmp_path: Path, hash_seed: str) -> None:
    path = tmp_path / "out.yaml"
    script = (
        "import sys, pathlib; from intclass.pipelines.compiling import compile_pipeline\n"
        "compile_pipeline(pathlib.Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", script, path], check=True, env={**os.environ, "PYTHONHASHSEED": hash_seed})
    assert path.read_bytes() == COMPILED.read_bytes()


def test_it_is_a_pipeline_specification_of_kfp(specification: dict[str, Any]) -> None:
    parsed = json_format.ParseDict(specification, pipeline_spec_pb2.PipelineSpec())
    assert parsed.pipeline_info.name == "integrability"
    executors = parsed.deployment_spec["executors"]
    assert {name.removeprefix("exec-") for name in executors} == set(STAGES)


def test_it_loads_as_a_component() -> None:
    loaded = components.load_component_from_file(str(COMPILED))
    assert loaded.component_spec.inputs["count"].default == 100_000


def test_every_parameter_is_explained_and_has_a_default(specification: dict[str, Any]) -> None:
    for name, parameter in specification["root"]["inputDefinitions"]["parameters"].items():
        assert parameter.get("description"), f"{name} has no description"
        assert "defaultValue" in parameter, f"{name} has no default"


def test_compiling_elsewhere_gives_the_same_file(tmp_path: Path) -> None:
    assert compile_pipeline(tmp_path / "x.yaml").read_bytes() == COMPILED.read_bytes()


@pytest.mark.parametrize("stage", STAGES)
def test_a_component_only_calls_its_stage(stage: str) -> None:
    [folder] = intclass.components.__path__
    tree = ast.parse(Path(folder, stage, "component.py").read_text())
    [function] = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert ast.get_docstring(function)
    body = function.body[1:]
    lines = {line for node in body for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    assert len(body) <= 10
    assert len(lines) <= 18
