"""A pool of long-lived workers that are really killed at their limits of time and memory, and replaced in milliseconds.

One loop over sockets watches all of them. A worker performs one role (an engine, or checking) and is asked one step at
a time; whatever happens to it (a hang in C code, a segmentation fault, `os._exit`, an out-of-memory kill, an endless
answer) ends that one step and nothing else. At most `workers` of them are busy at a time; those of other roles wait
idle, so that killing a hanging engine does not cost another engine its start.
"""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from intclass.components.integrate._channel import BrokenMessageError, Message
from intclass.components.integrate._nursery import Nursery
from intclass.components.integrate._processes import group_memory, kill_group
from intclass.components.integrate._tasks import START_SECONDS, Ending, Step, Task, Worker
from intclass.components.integrate._worker import Fate, Role
from intclass.components.shared.errors import IntclassError

MEMORY_WATCH_SECONDS: Final = 0.2
ATTEMPTS: Final = 5  # a step whose worker was killed from outside is done again
CRASH_ATTEMPTS: Final = 2  # one that brought its worker down may have met what an earlier step left broken
START_ATTEMPTS: Final = 3  # a worker that does not start says nothing of the step: its engine may have been killed
NURSERY_DEATHS: Final = 10  # by a signal, in a row, without a worker that became ready

_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)


class PoolError(IntclassError):
    """Workers cannot be started."""


class InterruptedPoolError(PoolError):
    """Somebody does not want the steps any more."""


class Pool:
    """Runs steps on workers. Use it as a context manager: on leaving, in whatever way, every process is gone.

    Args:
        roles: The kinds of workers.
        workers: How many may be busy at a time.
        memory_bytes: What a worker and its children may use together.
    """

    def __init__(self, roles: Sequence[Role], *, workers: int, memory_bytes: int) -> None:
        self._roles = list(roles)
        self._indices = {role.name: index for index, role in enumerate(self._roles)}
        self._size = workers
        self._memory_bytes = memory_bytes
        self._selector = selectors.DefaultSelector()
        self._workers: dict[int, Worker] = {}
        self._idle: dict[str, list[Worker]] = {role.name: [] for role in self._roles}
        self._again: deque[Task] = deque()
        self._finished: list[tuple[int, Ending]] = []
        self._last_number = self._last_ticket = 0
        self._nursery_deaths = 0
        self._memory_watched = 0.0
        self._interrupted = False
        self._nursery = self._start_nursery()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill every worker and end the nursery."""
        self._nursery.close()
        for worker in self._workers.values():
            worker.channel.close()
        self._workers.clear()
        self._selector.close()

    def interrupt(self) -> None:
        """From any thread: a `wait` that is under way, or the next one, raises InterruptedPoolError in a moment."""
        self._interrupted = True

    @property
    def size(self) -> int:
        """How many workers may be busy at a time."""
        return self._size

    @property
    def busy(self) -> int:
        """How many steps are begun and not ended."""
        return len(self._again) + sum(worker.task is not None for worker in self._workers.values())

    @property
    def free(self) -> int:
        """How many steps may be started now."""
        return self._size - self.busy

    def start(self, step: Step) -> int:
        """Begin a step and return its ticket; there must be a free worker."""
        assert self.free > 0
        self._last_ticket += 1
        self._assign(Task(self._last_ticket, step))
        return self._last_ticket

    def wait(self) -> list[tuple[int, Ending]]:
        """The steps that ended, by ticket, as soon as there is one; at once and empty if none is begun.

        Raises PoolError if workers cannot be started, InterruptedPoolError after `interrupt`.
        """
        while self.busy and not self._finished:
            if self._interrupted:
                raise InterruptedPoolError("interrupted")
            for key, _ in self._selector.select(self._patience()):
                if key.data is None:
                    self._attend_nursery()
                elif key.data.number in self._workers:  # it may have been dropped a moment ago
                    self._attend(key.data)
            self._enforce_time()
            self._enforce_memory()
            while self._again:
                self._assign(self._again.popleft())
        finished, self._finished = self._finished, []
        return finished

    def _patience(self) -> float:
        deadlines = [worker.deadline for worker in self._workers.values() if worker.task is not None]
        return max(0.0, min([*deadlines, self._memory_watched + MEMORY_WATCH_SECONDS]) - time.monotonic())

    # Beginning

    def _start_nursery(self) -> Nursery:
        nursery = Nursery(self._roles, memory_bytes=self._memory_bytes)
        self._selector.register(nursery.control, selectors.EVENT_READ)
        return nursery

    def _assign(self, task: Task) -> None:
        idle = self._idle[task.step.role]
        worker = idle.pop() if idle else self._spawn(task.step.role)
        worker.assign(task)
        self._watch(worker)

    def _spawn(self, role: str) -> Worker:
        index = self._indices[role]
        ours, theirs = socket.socketpair()
        self._last_number += 1
        worker = Worker(self._last_number, self._roles[index], ours)
        self._workers[worker.number] = worker
        self._selector.register(ours, selectors.EVENT_READ, worker)
        with theirs, contextlib.suppress(OSError):  # if the nursery is gone, its socket says so in a moment
            self._nursery.spawn(worker.number, index, theirs)
        return worker

    def _watch(self, worker: Worker) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.channel.has_unsent else 0)
        with contextlib.suppress(KeyError):  # closed by the worker; its exit is to come
            self._selector.modify(worker.channel.socket, events, worker)

    def _unwatch(self, worker: Worker) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(worker.channel.socket)

    # What workers say

    def _attend(self, worker: Worker) -> None:
        worker.channel.flush()
        self._watch(worker)
        try:
            messages, closed = worker.channel.read()
        except BrokenMessageError as error:
            self._end(worker, Fate.CRASHED, reason=f"unreadable answer: {error}")
            self._drop(worker)
            return
        for message in messages:
            if worker.number in self._workers:
                self._take(worker, message)
        if closed and worker.number in self._workers:
            self._unwatch(worker)
            self._kill(worker)  # in case it lives on without its socket; the nursery will tell how it ended

    def _take(self, worker: Worker, message: Message) -> None:
        if "pid" in message:
            worker.pid = message["pid"]
        elif "ready" in message:
            worker.ready = True
            self._nursery_deaths = 0
            if worker.task is not None:
                worker.begin()
                self._watch(worker)
        elif "failed" in message:
            self._give_back(worker, f"{worker.role.name} does not start: {message['failed']}")
        else:
            self._take_result(worker, message)

    def _take_result(self, worker: Worker, message: Message) -> None:
        fate = Fate(message["fate"])
        reason = self._out_of_memory if fate is Fate.MEMORY else message.get("reason", "")
        self._end(worker, fate, result=message.get("result"), reason=reason)
        worker.steps_done += 1
        if fate is Fate.MEMORY or worker.steps_done >= worker.role.steps:
            self._drop(worker)
        else:
            self._idle[worker.role.name].append(worker)

    # Endings

    def _end(self, worker: Worker, fate: Fate, *, result: Message | None = None, reason: str = "") -> None:
        if worker.task is not None:
            ending = Ending(fate=fate, seconds=worker.elapsed, result=result, reason=reason)
            self._finished.append((worker.task.ticket, ending))
            worker.task = None

    def _give_back(self, worker: Worker, reason: str) -> None:
        """A worker did not start: another one takes its step, up to START_ATTEMPTS times."""
        task = worker.task
        if task is not None and task.attempts < START_ATTEMPTS:
            self._again.append(task)
            worker.task = None
        self._end(worker, Fate.ERROR, reason=reason)
        self._drop(worker)

    def _drop(self, worker: Worker) -> None:
        """Kill a worker that will not be asked again."""
        self._kill(worker)
        self._forget(worker)

    def _kill(self, worker: Worker) -> None:
        with contextlib.suppress(OSError):
            self._nursery.kill(worker.number)

    def _forget(self, worker: Worker) -> None:
        del self._workers[worker.number]
        with contextlib.suppress(ValueError):
            self._idle[worker.role.name].remove(worker)
        self._unwatch(worker)
        worker.channel.close()

    def _attend_nursery(self) -> None:
        exits, gone = self._nursery.exits()
        for number, code in exits:
            if number in self._workers:
                self._bury(self._workers[number], code)
        if gone:
            self._replace_nursery()

    def _bury(self, worker: Worker, code: int) -> None:
        """A worker ended by itself or was killed from outside: take its last words; do its step again, or end it."""
        self._attend(worker)
        if worker.number not in self._workers:
            return
        task = worker.task
        if task is not None and task.attempts < (ATTEMPTS if code in _FROM_OUTSIDE else CRASH_ATTEMPTS):
            self._again.append(task)
        else:
            self._end(worker, Fate.CRASHED, reason=f"the worker was {_describe_exit(code)}")
        self._forget(worker)

    def _replace_nursery(self) -> None:
        """The nursery was killed, and the kernel has killed its workers: begin again with a new one."""
        self._selector.unregister(self._nursery.control)
        for worker in list(self._workers.values()):
            if worker.pid is not None:
                kill_group(worker.pid)  # what the worker had started
            self._bury(worker, -signal.SIGKILL)
        code = self._nursery.close()
        self._nursery_deaths += 1
        if code >= 0 or self._nursery_deaths >= NURSERY_DEATHS:
            raise PoolError(
                f"the process that starts workers cannot go on ({_describe_exit(code)}); see its words above"
            )
        self._nursery = self._start_nursery()

    # Limits

    def _enforce_time(self) -> None:
        now = time.monotonic()
        for worker in [worker for worker in self._workers.values() if worker.task and now >= worker.deadline]:
            if worker.ready:
                self._end(worker, Fate.TIMEOUT, reason=f"killed at its limit of {worker.limit_seconds:g} s")
                self._drop(worker)
            else:
                self._give_back(worker, f"{worker.role.name} did not start within {START_SECONDS:g} s")

    @property
    def _out_of_memory(self) -> str:
        return f"over its limit of {self._memory_bytes >> 20} MB"

    def _enforce_memory(self) -> None:
        if time.monotonic() < self._memory_watched + MEMORY_WATCH_SECONDS:
            return
        busy = {worker.pid: worker for worker in self._workers.values() if worker.task and worker.pid}
        for pid, used in group_memory(busy).items():
            if used > self._memory_bytes:
                self._end(busy[pid], Fate.MEMORY, reason=self._out_of_memory)
                self._drop(busy[pid])
        self._memory_watched = time.monotonic()


def _describe_exit(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    hint = " (out of memory?)" if code == -signal.SIGKILL else ""
    return f"killed by {signal.Signals(-code).name}{hint}"
