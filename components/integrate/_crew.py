"""The pool with the roles that a plan needs: one for each engine, one for checking."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from intclass.components.integrate._plan import CHECK, Plan
from intclass.components.integrate._pool import Pool
from intclass.components.integrate._steps import CheckSteps, EngineSteps
from intclass.components.integrate._tasks import START_SECONDS, Step
from intclass.components.integrate._worker import Fate, Role
from intclass.components.integrate.config import IntegrateConfig
from intclass.components.integrate.engines import EngineEntry
from intclass.components.shared.errors import EngineUnavailableError

STEPS_PER_ENGINE_WORKER: Final = 500
STEPS_PER_CHECK_WORKER: Final = 2000


def _role(entry: EngineEntry, memory_bytes: int) -> Role:
    arguments = {"memory_bytes": memory_bytes} if entry.program else {}
    return Role(
        name=entry.name,
        target=_path(EngineSteps),
        settings={"engine": entry.target, "arguments": arguments},
        own_memory=entry.program is None,
        steps=STEPS_PER_ENGINE_WORKER,
    )


def _path(performer: type) -> str:
    return f"{performer.__module__}:{performer.__name__}"


@contextlib.contextmanager
def crew(config: IntegrateConfig) -> Iterator[tuple[Pool, Plan]]:
    """The pool and the plan; on leaving, every process is gone.

    Raises EngineUnavailableError if an engine is not installed or does not start.
    """
    for entry in config.entries:
        entry.check_available()
    roles = [_role(entry, config.memory_bytes) for entry in config.entries]
    roles.append(Role(name=CHECK, target=_path(CheckSteps), steps=STEPS_PER_CHECK_WORKER))
    with Pool(roles, workers=config.busy_workers, memory_bytes=config.memory_bytes) as pool:
        plan = Plan(
            engines=config.entries,
            versions=_versions(pool, config.entries),
            limit_seconds=config.limit_seconds,
            ask_all=config.ask_all,
            search_known=config.search_known,
        )
        yield pool, plan


def _versions(pool: Pool, entries: Sequence[EngineEntry]) -> dict[str, str]:
    """Start each engine once and ask what it is."""
    versions = {}
    for entry in entries:
        pool.start(Step(role=entry.name, payload={}, limit_seconds=START_SECONDS))
        [(_, ending)] = pool.wait()
        if ending.fate is not Fate.DONE or ending.result is None:
            raise EngineUnavailableError(f"the engine {entry.name} cannot be used: {ending.reason}")
        versions[entry.name] = str(ending.result["version"])
    return versions
