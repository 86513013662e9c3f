"""The nursery: a small process that has imported everything and forks workers from itself in milliseconds.

It stands between the pool and its workers because forking is only safe in a process without threads, and the pool's
process, which may be a server or a notebook, has them. It is the workers' parent: it kills their process groups when
told, reaps them, and reports how each ended. When the pool's process goes away, by whatever signal, the control socket
closes and the nursery kills every worker and ends. When the nursery itself is killed, the kernel kills the workers.

The pool writes commands of fixed size: SPAWN, with the worker's socket attached, and KILL. The nursery writes the exit
status of every worker that ended.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from intclass.components.integrate._processes import die_with_parent, kill_group
from intclass.components.integrate._worker import Role, work

COMMAND: Final = struct.Struct("!BIH")  # kind, worker's number, role's index
EXIT: Final = struct.Struct("!Ii")  # worker's number, exit status as os.waitstatus_to_exitcode gives it
SPAWN, KILL = range(2)

_START = """
import json, sys
settings = json.loads(sys.argv[2])
sys.path[:] = settings["path"]
from intclass.components.integrate._nursery import main
main(int(sys.argv[1]), settings)
"""


class Nursery:
    """The pool's side: starts the process and talks to it."""

    def __init__(self, roles: Sequence[Role], *, memory_bytes: int) -> None:
        self.control, theirs = socket.socketpair()
        settings = {"path": sys.path, "roles": [role.to_json() for role in roles], "memory_bytes": memory_bytes}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, str(theirs.fileno()), json.dumps(settings)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the terminal reaches the pool's process alone
                # SymPy's answers depend on the order of sets: the same order in every run.
                env={**os.environ, "PYTHONHASHSEED": "0"},
            )

    @property
    def pid(self) -> int:
        """The nursery's process."""
        return self._process.pid

    def spawn(self, number: int, role: int, connection: socket.socket) -> None:
        """Fork a worker of that role, with that end of its socket; it is the caller's to close.

        Raises OSError when the nursery is gone.
        """
        socket.send_fds(self.control, [COMMAND.pack(SPAWN, number, role)], [connection.fileno()])

    def kill(self, number: int) -> None:
        """Kill the worker's process group; raises OSError when the nursery is gone."""
        self.control.send(COMMAND.pack(KILL, number, 0))

    def exits(self) -> tuple[list[tuple[int, int]], bool]:
        """Workers that ended, each with its exit code (negative: the signal), and whether the nursery is gone."""
        ended = []
        try:
            while data := self.control.recv(EXIT.size, socket.MSG_DONTWAIT):
                ended.append(EXIT.unpack(data))
        except BlockingIOError:
            return ended, False
        except OSError:
            return ended, True
        return ended, True

    def close(self) -> int:
        """End the nursery and with it every worker; returns its exit code when they are gone."""
        self.control.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self._process.wait()


def main(descriptor: int, settings: Mapping[str, Any]) -> NoReturn:
    """The nursery's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    roles = [Role.from_json(role) for role in settings["roles"]]
    for role in roles:
        role.prepare()
    gc.collect()
    gc.freeze()  # what all workers share stays shared: their collector does not touch it
    with socket.socket(fileno=descriptor) as control:
        _Brood(control, roles, memory_bytes=settings["memory_bytes"]).tend()
    sys.exit(0)


class _Brood:
    """The nursery's side: its living workers, by number."""

    def __init__(self, control: socket.socket, roles: Sequence[Role], *, memory_bytes: int) -> None:
        self._control = control
        self._roles = roles
        self._memory_bytes = memory_bytes
        self._pids: dict[int, int] = {}
        self._wakeup, wakeup_writer = socket.socketpair()
        self._wakeup.setblocking(False)
        wakeup_writer.setblocking(False)
        self._wakeup_writer = wakeup_writer
        signal.set_wakeup_fd(wakeup_writer.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def tend(self) -> None:
        """Serve until the control socket closes; then leave nobody behind."""
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        selector.register(self._wakeup, selectors.EVENT_READ)
        try:
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._wakeup in ready:
                    self._drain_wakeup()
                    self._reap()
                if self._control in ready and not self._obey():
                    return
        finally:
            for pid in self._pids.values():
                kill_group(pid)
            for pid in self._pids.values():
                os.waitpid(pid, 0)

    def _drain_wakeup(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wakeup.recv(4096):
                pass

    def _obey(self) -> bool:
        """Carry out one command; False when the pool's process is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._control, COMMAND.size, 1)
        except OSError:
            return False
        if len(data) < COMMAND.size:
            return False
        kind, number, role = COMMAND.unpack(data)
        if kind == SPAWN:
            with socket.socket(fileno=descriptors[0]) as connection:
                self._fork(number, role, connection)
        elif number in self._pids:
            kill_group(self._pids[number])
        return True

    def _fork(self, number: int, role: int, connection: socket.socket) -> None:
        nursery = os.getpid()
        pid = os.fork()
        if pid:
            self._pids[number] = pid
            return
        status = 1
        try:
            os.setsid()
            die_with_parent(nursery)
            self._forget()
            work(connection, self._roles[role], memory_bytes=self._memory_bytes)
            status = 0
        finally:
            os._exit(status)

    def _forget(self) -> None:
        """In a new worker: let go of what is the nursery's."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for theirs in (self._control, self._wakeup, self._wakeup_writer):
            theirs.close()

    def _reap(self) -> None:
        """Collect the workers that ended, with whatever they left in their process groups, and report them."""
        for number, pid in list(self._pids.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            kill_group(pid)  # before reaping: until then nobody else can have the group's number
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            del self._pids[number]
            with contextlib.suppress(OSError):
                self._control.sendall(EXIT.pack(number, status))
