"""Integrating on request: what the algebra says, beside what the model expects.

The work is done in processes of `integrate` that are killed at their limit. Here are the few threads that wait for
them, and a queue that is short on purpose: a solver takes seconds where a prediction takes milliseconds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Final

from grpc_interceptor.exceptions import ResourceExhausted
from kserve.errors import InvalidInput

from intclass.components.integrate import Solver
from intclass.components.serve import metrics
from intclass.components.serve.config import ServeConfig
from intclass.components.shared.errors import IntclassError

_NICENESS: Final = 10  # solvers get the cores that predictions leave

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
        self._waiting = 0
        self._threads = ThreadPoolExecutor(max(1, config.solvers), "solve", initializer=_step_back)
        self._solvers: SimpleQueue[Solver] = SimpleQueue()
        for _ in range(config.solvers):
            engines, seconds, memory = config.engines.split(","), config.solve_seconds, config.solver_memory_mb
            self._solvers.put(Solver(engines=engines, limit_seconds=seconds, memory_mb=memory))

    def check(self, count: int) -> None:
        """Raises InvalidInput if so many integrands may not be solved in one request."""
        if self._config.solvers == 0:
            raise InvalidInput("solve: this server predicts only")
        if count > self._config.max_solved:
            raise InvalidInput(f"solve: {count} instances, but at most {self._config.max_solved} are solved at once")

    async def solve(self, integrands: Sequence[str]) -> list[Solution]:
        """One solution for each integrand, in order; raises BusyError if too many are waiting already."""
        if self._waiting + len(integrands) > self._config.max_solved * self._config.solvers:
            raise BusyError("solve: the solvers are busy; try again in a few seconds")
        self._count(len(integrands))
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.gather(*(loop.run_in_executor(self._threads, self._solve, one) for one in integrands))
        finally:
            self._count(-len(integrands))

    def close(self) -> None:
        """End all processes, after the questions that are being answered."""
        self._threads.shutdown(cancel_futures=True)
        while not self._solvers.empty():
            self._solvers.get().close()

    def _count(self, change: int) -> None:
        self._waiting += change
        metrics.SOLVES_WAITING.inc(change)

    def _solve(self, integrand: str) -> Solution:
        solver = self._solvers.get()
        try:
            with metrics.SOLVE_SECONDS.time():
                solution = _solution_of(solver.solve(integrand))
        except IntclassError as error:  # an engine that is not there, or workers that do not start
            _log.error("no solution: %s", error)
            solution = Solution(label="unknown", reason="error: the solver did not start")
        finally:
            self._solvers.put(solver)
        kind = solution.reason.partition(":")[0]
        metrics.SOLUTIONS.labels(solution.label, kind, str(solution.verified).lower()).inc()
        return solution


def _solution_of(outcome: dict[str, Any]) -> Solution:
    return Solution(**{name: outcome[name] for name in Solution.__dataclass_fields__})


def _step_back() -> None:
    """Lower this thread's priority; on Linux the processes that it starts inherit it."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
