"""Integrating on request: what the algebra says, beside what the model expects.

The work is done in processes of `integrate` that are killed at their limit. Here are the few threads that wait for
them, and a queue that is short on purpose: a solver takes seconds where a prediction takes milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final

from grpc_interceptor.exceptions import ResourceExhausted
from kserve.errors import InvalidInput

from intclass.components.integrate import Solver
from intclass.components.serve import metrics
from intclass.components.serve.config import ServeConfig
from intclass.components.shared.errors import EngineUnavailableError, IntclassError

STALL_SECONDS: Final = 300.0  # no solution takes so long: every step of it is killed at a limit of its own
_NICENESS: Final = 10  # solvers get the cores that predictions leave
_MOST_FAILURES: Final = 3  # in a row, to start solvers; one may be an accident, such as a moment without memory

_log = logging.getLogger(__name__)


class BusyError(ResourceExhausted):  # type: ignore[misc] # untyped
    """Too much is waiting for the solvers; 429 over HTTP, RESOURCE_EXHAUSTED over gRPC."""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """The outcome of trying to integrate, as `integrate` labels it.

    `label` is elementary, nonelementary or unknown. The certificate says how the antiderivative was checked, or what
    proves that there is none.
    """

    label: str
    reason: str
    antiderivative: str | None = None
    certificate: str | None = None
    engine: str | None = None
    engine_version: str | None = None
    verified: bool = False
    seconds: float = 0.0


class SolverDesk:
    """Solvers, one for each thread that waits; their processes start with the first question."""

    def __init__(self, config: ServeConfig) -> None:
        self._config = config
        self._waiting = self._failures = 0
        self._closing = False
        self._begun: dict[int, float] = {}  # by thread: when its present solution was begun
        self._threads = ThreadPoolExecutor(max(1, config.solvers), "solve", initializer=_step_back)
        engines, seconds, memory = config.engines.split(","), config.solve_seconds, config.solver_memory_mb
        self._all = [Solver(engines=engines, limit_seconds=seconds, memory_mb=memory) for _ in range(config.solvers)]
        self._solvers: SimpleQueue[Solver] = SimpleQueue()
        for solver in self._all:
            self._solvers.put(solver)

    @property
    def broken(self) -> str | None:
        """Why only a restart can help, or None: solvers do not start any more, or one does not come back."""
        if self._failures >= _MOST_FAILURES:
            return "solvers do not start"
        oldest = min(self._begun.values(), default=None)
        if oldest is not None and time.monotonic() - oldest > STALL_SECONDS:
            return "a solver does not come back"
        return None

    def check(self, count: int) -> None:
        """Raises InvalidInput if so many integrands may not be solved in one request."""
        if self._config.solvers == 0:
            raise InvalidInput("solve: this server predicts only")
        if count > self._config.max_solved:
            raise InvalidInput(f"solve: {count} instances, but at most {self._config.max_solved} are solved at once")

    async def solve(self, integrands: Sequence[str]) -> list[Solution]:
        """One solution for each integrand, in order, unknown for what the deadline comes before.

        Raises BusyError if too many are waiting already.
        """
        if self._waiting + len(integrands) > self._config.max_solved * self._config.solvers:
            raise BusyError("solve: the solvers are busy; try again in a few seconds")
        tries = [self._begin(integrand) for integrand in integrands]
        await asyncio.wait([asyncio.wrap_future(each) for each in tries], timeout=self._config.solve_deadline_seconds)
        return [each.result() if each.done() else self._give_up(each) for each in tries]

    def close(self) -> None:
        """End all processes, and with them the questions that are being answered: nobody waits for them any more."""
        self._closing = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for solver in self._all:
            solver.close()
        self._threads.shutdown()

    def _begin(self, integrand: str) -> Future[Solution]:
        """Queue an integrand; it counts as waiting until its solver is free again, whoever has stopped waiting."""
        loop = asyncio.get_running_loop()

        def leave(_: Future[Solution]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and with it all counting
                loop.call_soon_threadsafe(self._count, -1)

        self._count(1)
        future = self._threads.submit(self._solve, integrand)
        future.add_done_callback(leave)
        return future

    def _give_up(self, late: Future[Solution]) -> Solution:
        late.cancel()  # if it has not begun; else its own limits end it
        metrics.SOLUTIONS.labels("unknown", "timeout", "false").inc()
        seconds = self._config.solve_deadline_seconds
        return Solution(label="unknown", reason=f"timeout: no answer within {seconds:g} s", seconds=seconds)

    def _count(self, change: int) -> None:
        self._waiting += change
        metrics.SOLVES_WAITING.inc(change)

    def _solve(self, integrand: str) -> Solution:
        solver = self._solvers.get()
        self._begun[threading.get_ident()] = time.monotonic()
        try:
            with metrics.SOLVE_SECONDS.time():
                solution = _solution_of(solver.solve(integrand))
            self._failures = 0
        except (IntclassError, OSError) as error:  # an engine that is not there, or workers that do not start
            if not self._closing:
                _log.error("no solution: %s", error)
            solution = Solution(label="unknown", reason="error: the solver did not start")
            self._failures += not isinstance(error, EngineUnavailableError)  # which a restart would not bring
        finally:
            del self._begun[threading.get_ident()]
            self._solvers.put(solver)
        kind = solution.reason.partition(":")[0]
        metrics.SOLUTIONS.labels(solution.label, kind, str(solution.verified).lower()).inc()
        return solution


def _solution_of(outcome: dict[str, Any]) -> Solution:
    return Solution(**{name: outcome[name] for name in Solution.__dataclass_fields__})


def _step_back() -> None:
    """Lower this thread's priority; on Linux the processes that it starts inherit it."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
