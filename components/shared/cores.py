"""The cores that a process may keep busy."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """The cores that this process may keep busy: its CPU affinity, capped by its container's quota; at least 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(affinity, math.ceil(_cgroup_cores() or affinity)))


def _cgroup_cores() -> float | None:
    """The container's CPU quota in cores (cgroup v2, then v1), or None where there is none."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (_CGROUP / "cpu.max").read_text().split()
        return int(quota) / int(period)  # "max" means no quota: a ValueError
    with contextlib.suppress(OSError, ValueError):
        microseconds = int((_CGROUP / "cpu/cpu.cfs_quota_us").read_text())
        return microseconds / int((_CGROUP / "cpu/cpu.cfs_period_us").read_text()) if microseconds > 0 else None
    return None
