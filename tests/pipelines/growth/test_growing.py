"""The recurring pipeline, really run on this machine: twice, so that the second run goes on where the first ended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from intclass.components.shared.manifest import read_manifest
from intclass.pipelines.compiling import compiled_file
from intclass.pipelines.growth.state import read_state

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# kfp.local takes over logging and print: it has a process of its own.
RUN = """
import json, sys
from kfp import components, local
from intclass.pipelines.local import without_retries
compiled, root, arguments = sys.argv[1:]
local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=root, enable_caching=True, cache_root=root)
components.load_component_from_text(without_retries(open(compiled).read()))(**json.loads(arguments))
"""


def run(folder: Path, root: Path, *, count: int, growth: float) -> None:
    arguments = {
        "folder": str(folder),
        "count": count,
        "growth": growth,
        "internal_nodes": "2-4",
        "num_shards": 2,
        "workers": 1,
        "engines": "sympy",
        "limit_seconds": 0.5,
        "target": "solved",
        "solved_within_seconds": 0.5,
        "base_model": "small",
        "epochs": 1,
        "launcher": "local",
    }
    command = [sys.executable, "-c", RUN, str(compiled_file("growing")), str(root), json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]


def test_the_second_run_goes_on_and_does_not_train_too_early(tmp_path: Path) -> None:
    folder = tmp_path / "growing"
    run(folder, tmp_path / "root", count=160, growth=5.0)
    run(folder, tmp_path / "root", count=60, growth=5.0)
    state = read_state(str(folder))
    assert state is not None
    first, second = state.batches
    assert (first.start_index, second.start_index) == (0, first.next_index)
    assert second.next_index > first.next_index
    assert state.pending is None
    small, large = state.versions
    assert 0 < small < large
    assert state.trained_on == small
    assert read_manifest(folder / "models" / "v00001").stage == "finetune"
    assert not (folder / "models" / "v00002").exists()
    assert read_manifest(folder / "datasets" / "v00002").counts["examples"] == large
