"""Fixtures for tests with processes, and the folder of engines that misbehave on sys.path, where workers find them."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from intclass.components.integrate import _lease

MARK = "INTCLASS_TEST_MARK"
FOLDER = str(Path(__file__).parent)
if FOLDER not in sys.path:
    sys.path.append(FOLDER)


@pytest.fixture
def engines_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets programs that a test starts find the engines too."""
    monkeypatch.setenv("PYTHONPATH", FOLDER, prepend=os.pathsep)


@pytest.fixture
def quick_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that are renewed often enough to hold on a busy machine, and given up soon enough for a test."""
    monkeypatch.setattr(_lease, "LEASE_SECONDS", 3.0)
    monkeypatch.setattr(_lease, "RENEW_SECONDS", 0.2)


@pytest.fixture
def own_processes() -> Callable[[], list[psutil.Process]]:
    """The descendants of this process that were not there when the test began (the storage emulator may be)."""
    before = set(psutil.Process().children(recursive=True))
    return lambda: [process for process in psutil.Process().children(recursive=True) if process not in before]


@pytest.fixture
def marked_processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[psutil.Process]]]:
    """All processes that descend from programs started in this test, orphans too; none may be left at its end."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv(MARK, mark)
    seen: set[psutil.Process] = set()  # an engine's program may have an environment of its own

    def find() -> list[psutil.Process]:
        marked = [process for process in psutil.process_iter() if _mark_of(process) == mark]
        seen.update(marked, *map(_children, marked))
        return [process for process in seen if _is_alive(process)]

    yield find
    deadline = time.monotonic() + 10
    while (left := find()) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in left:
        process.kill()
    assert not left


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except psutil.Error:
        return None


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
