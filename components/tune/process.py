"""Trials as processes of this machine.

One is found again by the next driver when its own is killed, and ended with all that it has started.

trials/0007/driver.lock     held by the driver that follows the trial
trials/0007/process.lock    held by the trial's process, which outlives its driver
trials/0007/process.json    which process that is
trials/0007/log.txt         what it prints
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final, NoReturn, Self

import psutil

from intclass.components.finetune.command_line import MODULE
from intclass.components.shared import storage
from intclass.components.tune.executor import Slot
from intclass.components.tune.locks import Lock
from intclass.components.tune.metrics import error_in

LOG_NAME: Final = "log.txt"
TRAINING: Final = (f"{MODULE}.command_line", f"{MODULE}.stage")  # what every trial loads
_PROCESS: Final = "process.json"
_LOCK: Final = "process.lock"
_LOOK_SECONDS: Final = 5.0
_PATIENCE_SECONDS: Final = 60.0
_PYTHON: Final = multiprocessing.get_context("forkserver")


def load_once(modules: Sequence[str]) -> None:
    """Trials that start from now on find these modules loaded: torch alone takes seconds.

    They are forked from a process that has imported the modules and done nothing else.
    """
    _PYTHON.set_forkserver_preload(list(modules))


class ProcessExecutor:
    """Runs trials in the slots of this machine; each finds the variables of its slot and `environment`."""

    step_seconds = 0.2
    leaves_running = False

    def __init__(self, slots: Sequence[Slot], environment: Slot | None = None) -> None:
        self.slots = [{**slot, **(environment or {})} for slot in slots]

    def look(self) -> None:
        """Each process is asked for itself."""

    def tidy(self, ended: Mapping[int, str]) -> None:
        """A process leaves nothing."""

    def claim(self, _number: int, folder: str) -> TrialProcess | None:
        """The trial, or None if another driver follows it."""
        return TrialProcess.claim(Path(folder))


class TrialProcess:
    """One trial, as the driver that holds its lock sees it; at most one process of it runs at any time."""

    given_up = ""

    def __init__(self, folder: Path, lock: Lock) -> None:
        self.folder = folder
        self._lock = lock
        self._child: ForkServerProcess | None = None
        self._seen: psutil.Process | None = None
        self._read_to = 0
        self._spent: dict[int, float] = {}  # CPU seconds of each of the trial's processes
        self._below, self._looked = 0.0, 0.0

    @classmethod
    def claim(cls, folder: Path) -> Self | None:
        """The trial, or None if another driver follows it. Its process, if it still runs, is found again."""
        folder.mkdir(parents=True, exist_ok=True)
        lock = Lock.acquire(folder / "driver.lock")
        if lock is None:
            return None
        trial = cls(folder, lock)
        if trial.is_running:
            trial._seen = _find_process(folder / _PROCESS)
        return trial

    def start(self, arguments: Sequence[str], environment: Slot) -> None:
        """Start `python ARGUMENTS...`, in a session of its own; what it prints is added to the log."""
        assert not self.is_running, f"{self.folder}: a process of this trial is running"
        storage.delete(self.folder / _PROCESS)
        everything = {**os.environ, **environment}
        self._child = _PYTHON.Process(target=_run, args=(self.folder, list(arguments), everything))
        self._child.start()
        assert self._child.pid is not None
        with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended already
            self._seen, self._below = psutil.Process(self._child.pid), 0.0
            note = {"pid": self._seen.pid, "created": self._seen.create_time()}
            storage.write_text(self.folder / _PROCESS, json.dumps(note))

    @property
    def is_running(self) -> bool:
        """Whether a process of the trial is alive: started by this driver, by one before, or by one of these two."""
        if self._child is not None and self._child.is_alive():
            return True
        lock = Lock.acquire(self.folder / _LOCK)
        if lock is None:
            return True
        lock.close()
        return False

    @property
    def exit_code(self) -> int | None:
        """Of a process that this driver started and that has ended; None of one that it only found."""
        return None if self._child is None else self._child.exitcode

    def new_lines(self) -> Iterator[str]:
        """The whole lines that have come into the log since the last call."""
        path = self.folder / LOG_NAME
        if not path.exists():
            return
        with path.open("rb") as log:
            log.seek(self._read_to)
            for line in log:
                if not line.endswith(b"\n"):
                    return
                self._read_to += len(line)
                yield line.decode(errors="replace").rstrip("\n")

    def cpu_seconds(self) -> float:
        """What the trial's processes have used since this driver claimed it, those that they started included."""
        if self._seen is not None:
            with contextlib.suppress(psutil.Error):
                own = self._seen.cpu_times()
                ended = own.children_user + own.children_system
                self._spent[self._seen.pid] = own.user + own.system + ended + self._children_seconds(self._seen)
        return sum(self._spent.values())

    def _children_seconds(self, process: psutil.Process) -> float:
        """Of those below it that are alive, looked for now and then: all processes of the machine have to be read."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            times = [each.cpu_times() for each in process.children(recursive=True)]
            self._below = sum(each.user + each.system for each in times)
        return self._below

    def ask_to_end(self) -> None:
        """SIGTERM: it writes a checkpoint."""
        if self._seen is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._seen.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, to all that it started too; returns when it has ended."""
        if self._seen is not None:
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                if self._seen.is_running():  # else the number may be another's
                    os.killpg(self._seen.pid, signal.SIGKILL)
        self.wait(_PATIENCE_SECONDS)

    def wait(self, seconds: float) -> bool:
        """Wait for the process to end; whether it has."""
        if self._seen is not None:
            with contextlib.suppress(psutil.Error, psutil.TimeoutExpired):
                self._seen.wait(seconds)
        return not self.is_running

    def last_words(self) -> str:
        """The error that its log ends with, or the last line."""
        return error_in(self.folder / LOG_NAME)

    def keep_log(self) -> None:
        """It lies there already."""

    def close(self) -> None:
        """Let go of the trial."""
        self._lock.close()


def _run(folder: Path, arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """The trial's process, as if `python` had been started with the arguments: `-m MODULE ...` or `PROGRAM ...`."""
    os.setsid()
    lock = Lock.acquire(folder / _LOCK)  # goes with this process
    if lock is None:  # one that a driver started which was killed meanwhile
        sys.exit(1)
    log = os.open(folder / LOG_NAME, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for descriptor in (1, 2):
        os.dup2(log, descriptor)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # text, in every Python
    os.environ.clear()
    os.environ.update(environment)
    if arguments[0] == "-m":
        sys.argv = [*arguments[1:]]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = [*arguments]
        runpy.run_path(arguments[0], run_name="__main__")
    sys.exit(0)


def _find_process(note: Path) -> psutil.Process | None:
    """The process of the note, if it is still that one; None too where a driver was killed before it wrote the note."""
    try:
        found = json.loads(note.read_text())
        process = psutil.Process(found["pid"])
        return process if process.create_time() == found["created"] else None
    except (OSError, ValueError, psutil.Error):
        return None
