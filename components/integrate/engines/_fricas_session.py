"""One FriCAS process, spoken to through pipes: a command in, its reply out, with limits of time and memory.

FriCAS reads line by line and says nothing about where a reply ends, so each command is followed by one that prints a
numbered mark. Interrupted (SIGINT), FriCAS gives up its computation; on GCL it enters a debugger first, which swallows
the next line and leaves, so a line that nobody needs is sent before the next mark.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import select
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import Final

import psutil

from intclass.components.integrate._processes import die_with_parent
from intclass.components.integrate.engines._base import Status
from intclass.components.integrate.engines._fricas_program import FricasProgram
from intclass.components.shared.errors import EngineUnavailableError

START_SECONDS: Final = 30.0  # on a busy machine; 0.1 s (GCL) to 1 s (ECL) on an idle one
WALL_FACTOR: Final = 3.0  # wall seconds for a second of processor time, on a machine that others use too
GRACE_SECONDS: Final = 0.5  # from the interrupt to the prompt; milliseconds as a rule
WATCH_SECONDS: Final = 0.05  # between looks at a process that is computing
MAX_REPLY_BYTES: Final = 4 * 2**20
_HEAP_SHARE: Final = 0.5  # of the memory limit: GCL collects garbage below this, so that it stays within the limit

SETTINGS: Final = """\
)set messages type off
)set messages prompt none
)set output algebra off
)set history off
)lisp (setq *print-pretty* nil)
"""
_MARK: Final = ')lisp (progn (format t "~%[end {number}]~%") (finish-output))\n'
_ECHO: Final = "Value = NIL"  # what `)lisp` says after the mark
_SIGN_OF_LIFE: Final = "PRINC(1 + 1)$Lisp\n"
_VERSION: Final = re.compile(r"Version: FriCAS (\S+)")


class StoppedError(Exception):
    """The computation was stopped at a limit. The session answers again, or is closed if it could not be stopped."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Deadline:
    """A point in the processor time of a FriCAS process, or one in wall time if that comes first."""

    processor: float
    wall: float


class DiedError(Exception):
    """The process ended by itself or was killed by somebody else."""


class FricasSession:
    """A running FriCAS, which dies with this process.

    Args:
        program: How to start it.
        memory_bytes: What it may use. GCL (Debian's FriCAS) keeps to it and grows slow near it; others are killed.

    Raises EngineUnavailableError if it cannot be started.

    Attributes:
        is_suspect: Whether a computation was cut off. What FriCAS remembers of a function field may be half made then,
            and an integral over the same field is later left unevaluated that has a closed form. An antiderivative
            that is checked can still be believed, but nothing else.
    """

    def __init__(self, program: FricasProgram, *, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._buffer = bytearray()
        self._marks = 0
        self.is_suspect = False
        try:
            self._process = self._start(program)
            banner = self.ask(SETTINGS, deadline=self.deadline(START_SECONDS))
        except (OSError, StoppedError, DiedError) as error:
            raise EngineUnavailableError(f"{program.command[0]} does not start: {error}") from error
        version = _VERSION.search(banner)
        if version is None:
            self.close()
            raise EngineUnavailableError(f"{program.command[0]} does not start as FriCAS does: {banner[:200]!r}")
        self.version = version[1]

    def _start(self, program: FricasProgram) -> subprocess.Popen[bytes]:
        heap_share = _HEAP_SHARE * self._memory_bytes / psutil.virtual_memory().total
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C.UTF-8",
            "FRICAS_INITFILE": "",  # the user's own settings are not ours
            "GCL_MEM_MULTIPLE": f"{heap_share:.6f}",
            **program.environment,
        }
        return subprocess.Popen(
            program.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment,
            bufsize=0,
            preexec_fn=functools.partial(die_with_parent, os.getpid()),
        )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def resident_bytes(self) -> int:
        """The memory in use; 0 once the process is gone."""
        with contextlib.suppress(psutil.Error):
            return int(psutil.Process(self.pid).memory_info().rss)
        return 0

    def deadline(self, seconds: float) -> Deadline:
        """After so many seconds of processor time from now, so that a busy machine changes no answer."""
        return Deadline(self._processor_seconds() + seconds, time.monotonic() + WALL_FACTOR * seconds)

    def part(self, share: float, deadline: Deadline) -> Deadline:
        """After that share of the time that is left."""
        return self.deadline(share * self.seconds_left(deadline))

    def seconds_left(self, deadline: Deadline) -> float:
        """Seconds until then, at least; 0 or less when it is over."""
        return min(deadline.processor - self._processor_seconds(), deadline.wall - time.monotonic())

    def _processor_seconds(self) -> float:
        with contextlib.suppress(psutil.Error):
            times = psutil.Process(self.pid).cpu_times()
            return float(times.user + times.system)
        return 0.0

    def ask(self, command: str, *, deadline: Deadline) -> str:
        """What FriCAS prints in reply to a command, of one or more lines.

        Raises StoppedError at the deadline and at the limits of memory and length, and DiedError.
        """
        mark = self._send(command.removesuffix("\n") + "\n")
        try:
            return self._reply(mark, deadline)
        except StoppedError as error:
            if error.status is Status.MEMORY:
                self.close()
            else:
                self._interrupt()
            raise
        except BaseException:  # also KeyboardInterrupt: a reply that nobody takes would be taken for the next one's
            self.close()
            raise

    def close(self) -> None:
        """Kill the process."""
        with self._process:  # closes the pipes and waits
            self._process.kill()

    def _send(self, text: str) -> bytes:
        self._marks += 1
        assert self._process.stdin is not None
        unsent = memoryview((text + _MARK.format(number=self._marks)).encode())
        try:
            while unsent:
                unsent = unsent[self._process.stdin.write(unsent) or 0 :]
        except BrokenPipeError:
            raise self._death() from None
        return f"[end {self._marks}]\n".encode()

    def _reply(self, mark: bytes, deadline: Deadline) -> str:
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        searched = 0
        while (end := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark))
            patience = min(self.seconds_left(deadline), WATCH_SECONDS)
            if patience <= 0:
                raise StoppedError(Status.TIMEOUT, "no answer in time")
            if poll.poll(patience * 1000):
                self._read(pipe)
            elif self.resident_bytes() > self._memory_bytes:
                raise StoppedError(Status.MEMORY, f"over {self._memory_bytes / 2**20:.0f} MB")
        reply = self._buffer[:end].decode(errors="replace").strip().removeprefix(_ECHO).strip()
        del self._buffer[: end + len(mark)]
        return reply

    def _read(self, pipe: int) -> None:
        data = os.read(pipe, 2**18)
        if not data:
            raise self._death()
        self._buffer += data
        if len(self._buffer) > MAX_REPLY_BYTES:
            self._buffer.clear()
            raise StoppedError(Status.ERROR, f"the answer is over {MAX_REPLY_BYTES / 2**20:.0f} MB of text")

    def _interrupt(self) -> None:
        """Bring the process back to its prompt, or kill it."""
        self.is_suspect = True
        deadline = self.deadline(GRACE_SECONDS)
        try:
            self._process.send_signal(signal.SIGINT)
            self._send("")  # the line that a debugger swallows
            self._reply(self._send(""), deadline)
            if self._reply(self._send(_SIGN_OF_LIFE), deadline) != "2":  # still in the debugger
                self.close()
        except (StoppedError, DiedError):
            self.close()

    def _death(self) -> DiedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_SECONDS)
        code = self._process.poll()
        self.close()
        if code is None:
            return DiedError("closed its output")
        return DiedError(f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}")
