"""What the operating system says and does about processes: memory of a group, death with the parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Collection
from typing import Final

import psutil

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process (SIGKILL) when `parent`, which forked it, dies.

    Linux only; elsewhere a closed pipe is the only sign. A parent that was gone before the call counts as well.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def limit_own_memory(limit_bytes: int) -> None:
    """Have allocations of this process fail (MemoryError in Python) above so much private data.

    Only the soft limit is set, so that a child whose runtime maps a large address space can lift it again.
    """
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    soft = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def group_memory(groups: Collection[int]) -> dict[int, int]:
    """Resident bytes of each of the process groups, children of any depth that stayed in it included."""
    totals = dict.fromkeys(groups, 0)
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            group = os.getpgid(pid)
            if group in totals:
                totals[group] += psutil.Process(pid).memory_info().rss
    return totals


def kill_group(leader: int) -> None:
    """SIGKILL to the leader's whole process group, and to the leader if it has not yet made its group."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(leader, signal.SIGKILL)
