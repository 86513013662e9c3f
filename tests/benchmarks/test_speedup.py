"""Whether more workers help as much as they can, with either scheduler; `speedup.py` beside this measures it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

REQUIRED_SHARE = 0.75  # of what no scheduler can exceed; functions are not begun in the order of their times


@pytest.mark.benchmark
@pytest.mark.timeout(600)
def test_more_workers_help_as_much_as_they_can(tmp_path: Path) -> None:
    command = [sys.executable, str(Path(__file__).with_name("speedup.py")), "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    print(f"\n{done.stdout}")
    report = json.loads((tmp_path / "speedup.json").read_text())
    for row in report["replayed"]:
        bound = min(row["workers"], 1 / report["longest_share"])
        assert row["speedup"] >= REQUIRED_SHARE * bound, row
    assert (tmp_path / "speedup.svg").read_text().startswith("<svg")
