"""One integrand at a time, for a server or a notebook: the same engines, limits and checks as the stage."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from sympy import Expr

from intclass.components.integrate._balance import Balance
from intclass.components.integrate._crew import crew
from intclass.components.integrate._functions import Function
from intclass.components.integrate._plan import label
from intclass.components.integrate._schedule import run_jobs
from intclass.components.integrate.config import IntegrateConfig
from intclass.components.shared.expressions import to_text


class Solver:
    """Keeps engines warm between questions. Threads may share it; their questions are answered one after the other.

    Use it as a context manager, or call `close`. The processes start with the first question.
    """

    def __init__(
        self, *, engines: str | Sequence[str] = "auto", limit_seconds: float = 2.0, memory_mb: int = 2048
    ) -> None:
        names = (engines,) if isinstance(engines, str) else tuple(engines)
        self._config = IntegrateConfig(engines=names, limit_seconds=limit_seconds, memory_mb=memory_mb, workers=1)
        self._lock = threading.Lock()
        self._processes = contextlib.ExitStack()
        self._crew: Any = None
        self._unwanted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes; the next question starts new ones.

        A question that another thread has asked is not waited for: it raises InterruptedPoolError there.
        """
        self._unwanted = True  # for a question that is still waiting for its processes to start
        present = self._crew
        if present is not None:
            pool, _ = present
            pool.interrupt()
        with self._lock:
            self._stop()
            self._unwanted = False

    def solve(self, integrand: Expr | str) -> dict[str, Any]:
        """The outcome of an integrand: a row of records.OUTCOMES.

        Text that cannot be read gives the label unknown and the reason `unparsable: ...`.

        Raises EngineUnavailableError, and InterruptedPoolError if another thread closes it meanwhile.
        """
        text = integrand if isinstance(integrand, str) else to_text(integrand)
        function = Function(id="0", integrand=text)
        with self._lock:
            try:
                if self._crew is None:
                    self._crew = self._processes.enter_context(crew(self._config))
                pool, plan = self._crew
                if self._unwanted:
                    pool.interrupt()
                scheduler = Balance([(0, label(function, plan))], lanes=pool.size)
                [(_, outcome)] = run_jobs(pool, scheduler)
            except BaseException:  # whatever is under way in the pool is not the next question's
                self._stop()
                raise
        return {**function.origin(), **outcome}

    def _stop(self) -> None:
        self._crew = None
        self._processes.close()


def solve(
    integrand: Expr | str, *, engines: str | Sequence[str] = "auto", limit_seconds: float = 2.0, memory_mb: int = 2048
) -> dict[str, Any]:
    """The outcome of one integrand, from processes of its own; `Solver` keeps them for the next question."""
    with Solver(engines=engines, limit_seconds=limit_seconds, memory_mb=memory_mb) as solver:
        return solver.solve(integrand)
