"""How busy the pool keeps its cores when many functions hang, and whether its memory stays flat."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import psutil
import pytest

from intclass.components.integrate._pool import Pool
from intclass.components.integrate._tasks import Step
from intclass.components.integrate._worker import Fate, Role

ENGINES = Path(__file__).parent.parent / "components" / "integrate"
WORKERS = 2
HANGING = 0.3
STEPS = 200
LIMIT_SECONDS = 0.3
SOLVE_SECONDS = 0.05


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Pool:
    monkeypatch.syspath_prepend(str(ENGINES))
    role = Role(name="hostile", target="hostile_engines:Performer")
    return Pool([role], workers=WORKERS, memory_bytes=2**30)


def _step(do: str, **payload: object) -> Step:
    return Step(role="hostile", payload={"do": do, **payload}, limit_seconds=LIMIT_SECONDS)


@pytest.mark.benchmark
def test_cores_are_busy_while_functions_hang(pool: Pool) -> None:
    """The share of the workers' wall time that is spent in steps, with 30 % of them killed at their limit."""
    hanging = int(STEPS * HANGING)
    with pool:
        pool.start(_step("echo", text="warm"))
        pool.wait()
        steps = [_step("sleep deaf")] * hanging + [_step("nap", seconds=SOLVE_SECONDS)] * (STEPS - hanging)
        random.Random(0).shuffle(steps)
        start, worked, killed = time.monotonic(), 0.0, 0
        while steps or pool.busy:
            while steps and pool.free:
                pool.start(steps.pop())
            for _, ending in pool.wait():
                worked += ending.seconds
                killed += ending.fate is Fate.TIMEOUT
        share = worked / (WORKERS * (time.monotonic() - start))
    sys.stdout.write(f"\nbusy {share:.1%} of the time, {killed} of {STEPS} steps killed\n")
    assert killed == hanging
    assert share >= 0.95


@pytest.mark.benchmark
def test_memory_is_flat_over_ten_thousand_functions(pool: Pool) -> None:
    with pool:
        process = psutil.Process()
        sizes, nursery_sizes = [], []
        nursery = psutil.Process(pool._nursery.pid)
        for n in range(10_000):
            pool.start(_step("echo", text="x" * 2000))
            [(_, ending)] = pool.wait()
            assert ending.fate is Fate.DONE
            if n % 1000 == 999:
                sizes.append(process.memory_info().rss)
                nursery_sizes.append(nursery.memory_info().rss)
    growth = (sizes[-1] - sizes[0], nursery_sizes[-1] - nursery_sizes[0])
    sys.stdout.write(f"\nover 9000 steps the pool grew by {growth[0] >> 10} kB, the nursery by {growth[1] >> 10} kB\n")
    assert max(growth) < 8 * 2**20
