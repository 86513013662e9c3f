from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from intclass.components.finetune.__main__ import main as finetune_command
from intclass.components.finetune.predict import main as predict_command
from intclass.components.shared.command import run
from intclass.components.shared.manifest import read_manifest


def call(command: object, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a command that runs in this process, where torch is loaded already."""
    monkeypatch.setattr(sys, "argv", ["intclass", *arguments])
    with pytest.raises(SystemExit) as caught:
        run(command)  # type: ignore[arg-type]
    return int(caught.value.code or 0)


def check_trained(folder: Path, *, out: str, err: str) -> None:
    lines = out.splitlines()
    assert lines[0].startswith("train_examples=360 validation_examples=90 ")
    assert lines[1].startswith("epoch=1 train_loss=")
    assert lines[-1].startswith(f"{folder}: validation accuracy ")
    assert "finetune: 360/360 (100 %)" in err
    manifest = read_manifest(folder)
    assert (manifest.config["class_weights"], manifest.config["hidden_size"]) == ("balanced", 16)


TRAINING = ["--epochs=1", "--hidden-size=16", "--num-layers=1", "--num-heads=2", "--class-weights=balanced"]


def test_a_model_is_trained(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model"
    assert call(finetune_command, str(dataset), f"--out={out}", *TRAINING, monkeypatch=monkeypatch) == 0
    output = capsys.readouterr()
    check_trained(out, out=output.out, err=output.err)


@pytest.mark.slow  # another process, which loads torch and transformers anew
def test_a_model_is_trained_by_a_program_of_its_own(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    command = [sys.executable, "-m", "intclass.components.finetune", str(dataset), f"--out={out}", *TRAINING]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    check_trained(out, out=done.stdout, err=done.stderr)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--epochs=0"], "epochs is 0; give at least 1"),
        (["--base-model=./nowhere"], "base model './nowhere' cannot be loaded (no such folder)"),
        (["--device=cuda:99"], "device 'cuda:99' cannot be used here"),
    ],
)
def test_a_bad_option_is_one_line_and_exit_code_2(
    dataset: Path,
    tmp_path: Path,
    options: list[str],
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "model"
    assert call(finetune_command, str(dataset), f"--out={out}", *options, monkeypatch=monkeypatch) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {reason}")
    assert not out.exists()


def test_predictions_are_json_lines(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("exp(3*x + 1)*sin(2*x)\n\n  sin(4*x + 1)*cos(2*x)\n"))
    assert call(predict_command, "exp(x^2)", "-", f"--model={model}", monkeypatch=monkeypatch) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["integrand"] for answer in answers] == ["exp(x^2)", "exp(3*x + 1)*sin(2*x)", "sin(4*x + 1)*cos(2*x)"]
    assert [answer["label"] for answer in answers[1:]] == ["elementary", "nonelementary"]
    for answer in answers:
        assert set(answer) == {"integrand", "label", "probability"}
        assert (answer["label"] == "elementary") == (answer["probability"] >= 0.5)


@pytest.mark.parametrize("text", ["__import__('os').system('id')", "x**9**9**9**9", "1+" * 500_000 + "x", "sin("])
def test_a_bad_expression_is_one_short_line_and_exit_code_2(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(predict_command, "x", text, "--model=nowhere", monkeypatch=monkeypatch) == 2
    output = capsys.readouterr()
    assert output.out == ""
    (line,) = output.err.splitlines()
    assert line.startswith("error: expression 2, ")
    assert len(line) < 400


def test_predictions_need_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(predict_command, "x", f"--model={tmp_path}", monkeypatch=monkeypatch) == 2
    assert ": no model" in capsys.readouterr().err


def test_help_and_bad_expressions_do_not_wait_for_torch() -> None:
    script = "import sys, intclass.components.finetune.__main__, intclass.components.finetune.predict\n"
    script += "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
