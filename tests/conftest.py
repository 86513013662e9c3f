"""Fixtures that all tests share."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

EMULATOR = Path(__file__).with_name("gcs_emulator.py")


@contextlib.contextmanager
def _gcs_emulator(*options: str) -> Iterator[str]:
    command = [sys.executable, str(EMULATOR), *options]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with process:  # closes the emulator's input, which ends it, and waits for it
        assert process.stdout is not None
        yield process.stdout.readline().strip()


@pytest.fixture(scope="session")
def start_gcs_emulator() -> Callable[..., AbstractContextManager[str]]:
    """Starts another emulator, with options of tests/gcs_emulator.py; yields its URL."""
    return _gcs_emulator


@pytest.fixture(scope="session")
def gcs_emulator() -> Iterator[str]:
    """The URL of a Google Cloud Storage emulator with one bucket, `intclass`."""
    with _gcs_emulator() as url:
        yield url


@pytest.fixture
def gs_root(gcs_emulator: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty gs:// folder; this process and its children find it through STORAGE_EMULATOR_HOST."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_emulator)
    return f"gs://intclass/{uuid.uuid4().hex}"


@pytest.fixture(params=["local", "gs"])
def storage_root(request: pytest.FixtureRequest) -> str:
    """An empty folder of each kind, so that a test that takes it runs on disk and on an object store."""
    name = "gs_root" if request.param == "gs" else "tmp_path"
    return str(request.getfixturevalue(name))
