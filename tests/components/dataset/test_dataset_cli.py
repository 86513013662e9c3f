from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from intclass.components.shared.manifest import read_manifest
from intclass.components.shared.records import OUTCOMES, write_table

Make = Callable[..., Any]


def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "intclass.components.dataset", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)


def test_it_makes_a_dataset_and_tells(tmp_path: Path, outcomes: Make, outcome: Make) -> None:
    write_table(tmp_path / "a", outcomes(60), OUTCOMES)
    write_table(tmp_path / "b", [*outcomes(60, start=60), outcome("tan(x**2)", "unknown", index=900)], OUTCOMES)
    out = tmp_path / "d"
    result = call(tmp_path / "a", tmp_path / "b", "--out", out, "--seed", "1", "--test-fraction", "0.2")
    assert result.returncode == 0, result.stderr
    counts = read_manifest(out).counts
    classes = f"nonelementary {counts['nonelementary']}, elementary {counts['elementary']}"
    splits = f"train {counts['train']}, validation {counts['validation']}, test {counts['test']}"
    assert result.stdout.splitlines() == [
        f"120 examples ({classes}) of 121 outcomes",
        f"splits: {splits}; dropped: unknown 1",
        f"in {out}; next: intclass finetune {out} --out MODEL",
    ]
    assert result.stderr.splitlines()[-1].startswith("dataset: 120/120 (100 %), ")
    assert read_manifest(out).config == {
        "target": "elementary",
        "solved_within_seconds": 1.0,
        "test_fraction": 0.2,
        "validation_fraction": 0.15,
        "max_per_skeleton": 1,
        "hold_out_generators": [],
        "hold_out_larger_than": 0,
        "hold_out_structures": 0.0,
        "compact": False,
        "seed": 1,
    }
    assert (out / "README.md").read_text().startswith("---\nlicense: cc-by-4.0\n")


def test_it_holds_out_and_tells(tmp_path: Path, outcomes: Make, outcome: Make) -> None:
    more = outcome("x*exp(x)", "elementary", index=900, generator="parts")
    write_table(tmp_path / "o", [*outcomes(120), more], OUTCOMES)
    options = ["--hold-out-generator", "parts", "--compact"]
    result = call(tmp_path / "o", "--out", tmp_path / "d", *options, "--hold-out-larger-than", "4")
    assert result.returncode == 2  # every function of the fixture has five nodes
    assert "error: the train split has no example that is 'nonelementary'" in result.stderr
    result = call(tmp_path / "o", "--out", tmp_path / "d", *options)
    assert result.returncode == 0, result.stderr
    assert ", test_generator 1; dropped: none" in result.stdout


def test_bad_input_is_one_line(tmp_path: Path, outcome: Make) -> None:
    write_table(tmp_path / "o", [outcome("x")], OUTCOMES)
    result = call(tmp_path / "o", "--out", tmp_path / "d")
    assert result.returncode == 2
    assert result.stderr == (
        "error: no row is 'nonelementary' (outcomes: elementary 1): SymPy alone proves none; use --target solved, "
        "or integrate with --engines fricas,sympy\n"
    )
