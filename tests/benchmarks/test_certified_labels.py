"""The labeller against truth: a thousand functions of each kind whose label is known by construction.

The labels are taken away before `integrate` sees the functions. It may leave some open; it may get none wrong. Two
thousand forward samples make the run ten thousand functions long, over which memory must stay flat.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import psutil
import pytest

from intclass.components.generate import GenerateConfig, generate
from intclass.components.integrate import IntegrateConfig, integrate
from intclass.components.shared.records import FUNCTIONS, OUTCOMES, read_table, write_table

EACH = int(os.environ.get("INTCLASS_BENCH_PAIRS", "1000"))
KINDS = {
    "backward": ("elementary",),
    "parts": ("elementary",),
    "liouville": ("elementary", "nonelementary"),
    "chebyshev": ("elementary", "nonelementary"),
    "disguised": ("elementary", "nonelementary"),
}
SPARE = 1.3  # so many times as many are drawn, as the classes of a family are not drawn in equal numbers
LIMIT_SECONDS = 0.5
MAX_GROWTH_BYTES = 32 * 2**20
SAMPLE_SECONDS = 1.0


def certified(folder: Path) -> Iterator[dict[str, Any]]:
    """`EACH` functions of each kind, with their labels."""
    for family, labels in KINDS.items():
        count = int(EACH * len(labels) * SPARE)
        generate(folder / family, GenerateConfig(count=count, internal_nodes=(3, 10), families={family: 1.0}, seed=3))
        rows = read_table(folder / family, FUNCTIONS).to_pylist()
        for label in labels:
            chosen = [row for row in rows if row["label"] == label][:EACH]
            assert len(chosen) == EACH, f"{len(chosen)} {family} functions are {label}; draw more"
            yield from chosen


def unlabelled(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "label": None, "certificate": None, "antiderivative": None}


class MemoryOfOwnProcesses(threading.Thread):
    """Samples the resident bytes of this process, and of it with all that it has started."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()
        self.own: list[int] = []
        self.all: list[int] = []

    def __enter__(self) -> MemoryOfOwnProcesses:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        process = psutil.Process()
        while not self._over.wait(SAMPLE_SECONDS):
            self.own.append(process.memory_info().rss)
            self.all.append(self.own[-1] + sum(map(_resident, process.children(recursive=True))))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


@pytest.mark.benchmark
@pytest.mark.timeout(7200)
@pytest.mark.skipif(shutil.which("fricas") is None, reason="needs FriCAS (apt-get install fricas)")
def test_no_certified_function_gets_a_wrong_label_and_memory_stays_flat(tmp_path: Path, machine: str) -> None:
    rows = list(certified(tmp_path))
    generate(tmp_path / "forward", GenerateConfig(count=2 * EACH, internal_nodes=(3, 10), seed=3))
    forward = read_table(tmp_path / "forward", FUNCTIONS).to_pylist()
    # In turns, so that each part of the run sees functions of every kind.
    mixed = sorted([*rows, *forward], key=lambda row: str(row["fingerprint"]))
    asked = [unlabelled({**row, "id": str(place)}) for place, row in enumerate(mixed)]
    write_table(tmp_path / "asked", asked, FUNCTIONS)

    others = set(psutil.Process().children(recursive=True))  # drawing leaves multiprocessing's tracker
    with MemoryOfOwnProcesses() as memory:
        config = IntegrateConfig(engines=("fricas",), limit_seconds=LIMIT_SECONDS)
        integrate(tmp_path / "asked", tmp_path / "outcomes", config)

    found = {row["integrand"]: row["label"] for row in read_table(tmp_path / "outcomes", OUTCOMES).to_pylist()}
    verdicts: Counter[tuple[str, str, str]] = Counter()
    wrong = []
    for row in rows:
        label = found[row["integrand"]]
        verdicts[row["generator"], row["label"], label] += 1
        if label not in (row["label"], "unknown"):
            wrong.append(f"{row['integrand']}: {label}, but {row['certificate']}")
    print(f"\n{len(found)} functions, FriCAS for {LIMIT_SECONDS} s: {machine}")
    for family, labels in KINDS.items():
        for label in labels:
            decided = EACH - verdicts[family, label, "unknown"]
            print(f"  {family:10} {label:13} decided {decided / EACH:6.1%} of {EACH}")
    third = len(memory.own) // 3
    growth = median(memory.own[-third:]) - median(memory.own[third : 2 * third])
    peak = max(memory.all)
    print(f"  memory: {growth / 2**20:+.0f} MB here over the last two thirds; all together {peak >> 20} MB at most")
    assert not wrong, "\n".join(wrong)
    assert growth < MAX_GROWTH_BYTES
    assert set(psutil.Process().children(recursive=True)) <= others
