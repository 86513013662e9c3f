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
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

import intclass.components
from intclass.components.shared.errors import ConfigError
from intclass.pipelines.compiling import COMPILED, FILES, compile_pipeline, compiled_file, is_stale

STAGES = ["generate", "integrate", "dataset", "finetune", "distribute", "evaluate", "serve"]
STEPS = {*STAGES, "integrate-job", "gather", "tune", "tune-in-pods", "serve-2", "reap"}
LAUNCHERS = {"integrate-job", "distribute", "tune-in-pods", "serve-2", "reap"}


@pytest.fixture(scope="module")
def specification() -> dict[str, Any]:
    document = next(yaml.safe_load_all(COMPILED.read_text()))
    assert isinstance(document, dict)
    return document


@pytest.fixture(scope="module")
def on_kubernetes() -> dict[str, Any]:
    """What the second document says of each step's pod."""
    _, document = yaml.safe_load_all(COMPILED.read_text())
    executors = document["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): settings for name, settings in executors.items()}


@pytest.mark.parametrize(("pipeline", "target"), FILES)
def test_the_committed_file_is_what_the_sources_compile_to(pipeline: str, target: str) -> None:
    path = compiled_file(pipeline, target)
    assert not is_stale(path, pipeline=pipeline, target=target), "run `intclass compile` and commit the result"


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
    assert {name.removeprefix("exec-") for name in executors} == {*STEPS, "importer", "importer-2"}


def test_it_loads_as_a_component() -> None:
    loaded = components.load_component_from_file(str(COMPILED))
    assert loaded.component_spec.inputs["count"].default == 100_000


def test_every_parameter_is_explained_and_has_a_default(specification: dict[str, Any]) -> None:
    for name, parameter in specification["root"]["inputDefinitions"]["parameters"].items():
        assert parameter.get("description"), f"{name} has no description"
        assert "defaultValue" in parameter, f"{name} has no default"


def test_compiling_elsewhere_gives_the_same_file(tmp_path: Path) -> None:
    assert compile_pipeline(tmp_path / "x.yaml").read_bytes() == COMPILED.read_bytes()


def test_vertex_gets_one_document_without_settings_of_kubernetes() -> None:
    document = yaml.safe_load(compiled_file(target="vertex").read_text())
    parsed = json_format.ParseDict(document, pipeline_spec_pb2.PipelineSpec())
    trainer = parsed.deployment_spec["executors"]["exec-finetune"]["container"]["resources"]
    assert trainer["accelerator"]["resourceType"] == "NVIDIA_L4"
    assert "platforms" not in document


def test_an_unknown_target_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="for 'sagemaker'; there are integrability for kubeflow, "):
        compiled_file(target="sagemaker")


def test_the_second_document_is_a_platform_specification_of_kfp(on_kubernetes: dict[str, Any]) -> None:
    _, document = yaml.safe_load_all(COMPILED.read_text())
    json_format.ParseDict(document, pipeline_spec_pb2.PlatformSpec())
    assert set(on_kubernetes) == STEPS
    for settings in on_kubernetes.values():
        json_format.ParseDict(settings, kubernetes_executor_config_pb2.KubernetesExecutorConfig())


def test_every_step_has_retries_requests_a_timeout_and_labels(
    specification: dict[str, Any], on_kubernetes: dict[str, Any]
) -> None:
    executors = specification["deploymentSpec"]["executors"]
    assert set(_tasks(specification)) == STEPS
    for step, task in _tasks(specification).items():
        assert task["retryPolicy"]["maxRetryCount"] >= 2
        resources = executors[f"exec-{step}"]["container"]["resources"]
        assert resources["resourceCpuRequest"]
        assert resources["resourceMemoryRequest"]
        assert resources["resourceMemoryLimit"]
        assert int(on_kubernetes[step]["activeDeadlineSeconds"]) > 0
        labels = on_kubernetes[step]["podMetadata"]["labels"]
        assert labels["app.kubernetes.io/component"] == step
        assert labels["app.kubernetes.io/part-of"] == "intclass"
        assert len(labels) == 3


def test_launchers_are_small_stay_and_are_never_taken_from_the_cache(
    specification: dict[str, Any], on_kubernetes: dict[str, Any]
) -> None:
    for step in LAUNCHERS:
        assert "enableCache" not in _tasks(specification)[step].get("cachingOptions", {})
        resources = specification["deploymentSpec"]["executors"][f"exec-{step}"]["container"]["resources"]
        assert resources["resourceCpuRequest"] == "250m"
        [rule] = on_kubernetes[step]["nodeAffinity"]
        assert rule["matchExpressions"] == [{"key": "cloud.google.com/gke-spot", "operator": "DoesNotExist"}]
        assert "weight" not in rule


def test_shards_prefer_spot_machines_and_may_do_without(on_kubernetes: dict[str, Any]) -> None:
    [rule] = on_kubernetes["integrate"]["nodeAffinity"]
    assert rule["weight"] == 100
    assert on_kubernetes["integrate"]["tolerations"][0]["key"] == "cloud.google.com/gke-spot"


def test_the_reaper_runs_however_the_stages_end(specification: dict[str, Any]) -> None:
    tasks = specification["root"]["dag"]["tasks"]
    assert set(tasks) == {"stages", "reap"}
    assert tasks["reap"]["dependentTasks"] == ["stages"]
    assert tasks["reap"]["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}


def test_a_model_is_deployed_on_kubernetes_only_if_the_gate_lets_it_pass(specification: dict[str, Any]) -> None:
    groups = {name: group["dag"]["tasks"] for name, group in specification["components"].items() if "dag" in group}
    [inner] = [name for name, tasks in groups.items() if "serve-2" in tasks]
    [outer] = [name for name, tasks in groups.items() if inner.removeprefix("comp-") in tasks]
    condition = groups[outer][inner.removeprefix("comp-")]["triggerPolicy"]["condition"]
    assert "evaluate-deploy'] == true" in condition
    [stages] = [tasks for tasks in groups.values() if outer.removeprefix("comp-") in tasks]
    assert "== 'kubernetes'" in stages[outer.removeprefix("comp-")]["triggerPolicy"]["condition"]


def test_a_run_ends_and_is_kept_for_days() -> None:
    _, document = yaml.safe_load_all(COMPILED.read_text())
    configuration = document["platforms"]["kubernetes"]["pipelineConfig"]
    assert configuration["activeDeadlineSeconds"] > configuration["resourceTtlOnCompletion"] > 24 * 3600


@pytest.mark.parametrize("folder", [*STAGES, "shared/kube"])
def test_a_component_only_calls_its_stage(folder: str) -> None:
    [components_folder] = intclass.components.__path__
    tree = ast.parse(Path(components_folder, folder, "component.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions
    for function in functions:
        assert ast.get_docstring(function)
        body = function.body[1:]
        lines = {line for node in body for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
        assert len(body) <= 10
        assert len(lines) <= 20


def _tasks(specification: dict[str, Any]) -> dict[str, Any]:
    """The tasks that run a container, by name."""
    groups = [*specification["components"].values(), specification["root"]]
    tasks = {name: task for group in groups for name, task in group.get("dag", {}).get("tasks", {}).items()}
    return {
        name: task
        for name, task in tasks.items()
        if f"exec-{name}" in specification["deploymentSpec"]["executors"] and not name.startswith("importer")
    }


@pytest.mark.parametrize(("pipeline", "target"), FILES)
def test_an_importer_finds_its_address_among_the_inputs_of_the_pipeline_around_it(pipeline: str, target: str) -> None:
    document = next(yaml.load_all(compiled_file(pipeline, target).read_text(), Loader=yaml.CSafeLoader))
    tasks = [
        task
        for group in document["components"].values()
        for name, task in group.get("dag", {}).get("tasks", {}).items()
        if name.startswith("importer")
    ]
    assert len(tasks) >= 2
    for task in tasks:
        assert set(task["inputs"]["parameters"]["uri"]) == {"componentInputParameter"}
