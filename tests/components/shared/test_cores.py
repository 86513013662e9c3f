from __future__ import annotations

import os
from pathlib import Path

import pytest

from intclass.components.shared import cores
from intclass.components.shared.cores import available_cores


def _affinity() -> int:
    return len(os.sched_getaffinity(0))


def test_without_a_quota_all_cores_may_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_CGROUP", tmp_path)
    assert available_cores() == _affinity()
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert available_cores() == _affinity()


@pytest.mark.parametrize("quota", [1, 50_000, 100_000])
def test_a_containers_quota_counts(quota: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_CGROUP", tmp_path)
    (tmp_path / "cpu.max").write_text(f"{quota} 100000\n")
    assert available_cores() == 1


def test_quotas_of_older_kernels_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "_CGROUP", tmp_path)
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("90000\n")
    assert available_cores() == 1
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text("-1\n")
    assert available_cores() == _affinity()
