"""What measurements share: a core of their own, and a line that says where and when they were made."""

from __future__ import annotations

import datetime
import multiprocessing
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
def ask_killed_process() -> Callable[..., Any]:
    """Calls `target(*arguments, answer)` in a forked process that is killed after `limit_seconds`, or once it has sent
    something through `answer`; returns what it sent, or None. It is how the first author runs SymPy."""

    def ask(target: Callable[..., None], *arguments: object, limit_seconds: float) -> Any:
        context = multiprocessing.get_context("fork")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=target, args=(*arguments, sender))
        process.start()
        sender.close()
        try:
            return receiver.recv() if receiver.poll(limit_seconds) else None
        except EOFError:  # it failed before it could send
            return None
        finally:
            process.kill()
            process.join()
            receiver.close()

    return ask


@pytest.fixture
def machine() -> str:
    """Processor, cores, versions and date, on one line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    processor = next(names, platform.machine())
    versions = f"Python {platform.python_version()}, SymPy {sympy.__version__}"
    return f"{processor}, {os.cpu_count()} cores, {versions}, {datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}"
