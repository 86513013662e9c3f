from __future__ import annotations

import importlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from intclass.pipelines.cli import app

PROGRAM: Final = "import sys; from intclass.pipelines.cli import main; sys.argv[0] = 'intclass'; main()"
STAGES: Final = ["generate", "integrate", "dataset", "finetune", "evaluate"]
OTHERS: Final = [
    *("run", "presets", "distribute", "compare-strategies", "reap", "predict", "serve", "deploy", "compile", "submit"),
    *("doctor", "estimate", "triage", "tune", "relabel", "compare-models"),
]
# A component's parameter that its command spells otherwise (None: that only the pipeline knows).
SPELLED: Final = {
    "num_shards of generate": None,
    "work_dir of integrate": "journal",
    "target of integrate": "ask_all",
    "min_success_ratio of integrate": None,  # there it says that a shard may fail
    "solved_within_seconds of dataset": "solved_within",
    "hold_out_generators of dataset": "hold_out_generator",
}
VALUES: Final = {"Integer", "String", "Float", "Boolean", "List"}


def _commands() -> dict[str, TyperCommand]:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return {name: command for name, command in group.commands.items() if isinstance(command, TyperCommand)}


def _intclass(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, input=text, timeout=120)


def _assert_one_line_error(done: subprocess.CompletedProcess[str], message: str = "") -> None:
    assert done.returncode == 2
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert len(line) < 400


def test_the_commands_are_all_there() -> None:
    assert set(_commands()) == {*STAGES, *OTHERS}


@pytest.mark.parametrize("name", [*STAGES, *OTHERS])
def test_help_teaches(name: str) -> None:
    command = _commands()[name]
    assert len(command.help or "") > 40
    for parameter in command.params:
        assert parameter.name == "help" or getattr(parameter, "help", None), f"{name}: {parameter.name} has no help"


@pytest.mark.parametrize("stage", STAGES)
def test_a_command_has_its_components_options(stage: str) -> None:
    component = getattr(importlib.import_module(f"intclass.components.{stage}.component"), stage)
    parameters = {name for name, value in component.component_spec.inputs.items() if value.type in VALUES}
    assert parameters
    wanted = {SPELLED.get(f"{name} of {stage}", name) for name in parameters} - {None}
    assert wanted <= {parameter.name for parameter in _commands()[stage].params}


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; import intclass.pipelines.cli\n"
        "heavy = ('torch', 'transformers', 'kfp', 'kserve', 'sklearn', 'pandas', 'matplotlib')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_printed() -> None:
    done = _intclass("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("intclass ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--preset", "huge"], "no preset 'huge'"),
        (["run", "--set", "count=none"], "count=none"),
        (["generate", "--count", "5", "--internal-nodes", "9-3", "--out", "out"], "9-3"),
        (["integrate", "nowhere.csv", "--out", "out"], "nowhere.csv"),
        (["dataset", "nowhere", "--out", "out"], "nowhere"),
        (["finetune", "nowhere", "--out", "out"], "nowhere"),
        (["evaluate", "nowhere", "nowhere-either", "--out", "out"], "nowhere"),
        (["predict", "x", "--model", "nowhere"], "nowhere"),
        (["serve", "--model", "nowhere"], "nowhere"),
        (["deploy", "nowhere"], "nowhere: the pods fetch their model from gs://"),
        (["deploy", "gs://b/m", "--node-selector", "l4"], "--node-selector l4: write LABEL=VALUE"),
        (["submit", "--host", "http://127.0.0.1:9"], "no Kubeflow Pipelines server"),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_no_success(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _assert_one_line_error(_intclass(*arguments), message)


@pytest.mark.parametrize(
    "expression",
    ["__import__('os').system('id')", "x**9**9**9**9", "1/0", "y + x", "sin(", "(" * 50_000 + "x" + ")" * 50_000],
    ids=lambda text: text[:20],
)
def test_a_hostile_expression_is_one_line(expression: str, tmp_path: Path) -> None:
    _assert_one_line_error(_intclass("predict", expression, "--model", str(tmp_path)))


def test_a_megabyte_is_refused_quickly(tmp_path: Path) -> None:
    start = time.monotonic()
    _assert_one_line_error(_intclass("predict", "-", "--model", str(tmp_path), text="x+" * 500_000 + "x"))
    assert time.monotonic() - start < 20
