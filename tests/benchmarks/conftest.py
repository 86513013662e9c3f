"""What measurements share: a core of their own, and a line that says where and when they were made."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
import sympy


@pytest.fixture
def one_core() -> Iterator[None]:
    """Bind this process and all that it starts to one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    yield
    os.sched_setaffinity(0, allowed)


@pytest.fixture
def machine() -> str:
    """Processor, cores, versions and date, on one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    processor = next(names, platform.machine())
    versions = f"Python {platform.python_version()}, SymPy {sympy.__version__}"
    return f"{processor}, {os.cpu_count()} cores, {versions}, {datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}"
