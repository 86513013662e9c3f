from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from intclass.components.integrate._pool import ATTEMPTS, START_ATTEMPTS, Pool, PoolError
from intclass.components.integrate._tasks import Ending, Step
from intclass.components.integrate._worker import Fate, Role

MEMORY = 400 * 2**20
PERFORMER = "hostile_engines:Performer"
ROLES = [
    Role(name="plain", target=PERFORMER),
    Role(name="parent", target=PERFORMER, own_memory=False),
    Role(name="short-lived", target=PERFORMER, steps=3),
    Role(name="broken", target="hostile_engines:BrokenPerformer"),
    Role(name="slow", target="hostile_engines:SlowToStart"),
]


@pytest.fixture(scope="module")
def shared_pool() -> Iterator[Pool]:
    """One pool for all tests: each leaves it as good as new, whatever it did to its workers."""
    with Pool(ROLES, workers=2, memory_bytes=MEMORY) as pool:
        yield pool
        family = _family(pool)
    assert not any(process.is_running() for process in family)


@pytest.fixture
def pool(shared_pool: Pool) -> Iterator[Pool]:
    yield shared_pool
    assert shared_pool.free == 2
    _echo(shared_pool)


def _family(pool: Pool) -> list[psutil.Process]:
    """The nursery, its workers, and what they started."""
    nursery = psutil.Process(pool._nursery.pid)
    return [nursery, *nursery.children(recursive=True)]


def _step(do: str, *, role: str = "plain", limit_seconds: float = 30.0, **payload: Any) -> Step:
    return Step(role=role, payload={"do": do, **payload}, limit_seconds=limit_seconds)


GRANDCHILD = "import time; time.sleep(1000)"  # of "start child"


def _run(pool: Pool, step: Step) -> Ending:
    ticket = pool.start(step)
    [(done, ending)] = pool.wait()
    assert done == ticket
    return ending


def _echo(pool: Pool, *, role: str = "plain") -> None:
    assert _run(pool, _step("echo", role=role, text="still here")).result == {"said": "still here"}


def test_a_step_is_done(pool: Pool) -> None:
    ending = _run(pool, _step("echo", text="π"))
    assert (ending.fate, ending.result) == (Fate.DONE, {"said": "π"})
    assert 0 < ending.seconds < 5


@pytest.mark.parametrize("do", ["spin", "sleep deaf", "hang in C"])
def test_a_hang_costs_its_limit_and_no_more(pool: Pool, do: str) -> None:
    ending = _run(pool, _step(do, limit_seconds=0.3))
    assert ending.fate is Fate.TIMEOUT
    assert 0.3 <= ending.seconds < 1.0


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        ("segfault", "killed by SIGSEGV"),
        ("exit", "ended with exit code 3"),
        ("kill itself", "killed by SIGKILL"),
        ("close everything", "killed by SIGKILL"),
        ("write nonsense", "over the limit"),
    ],
)
def test_a_worker_that_dies_costs_one_step(pool: Pool, do: str, reason: str) -> None:
    ending = _run(pool, _step(do))
    assert ending.fate is Fate.CRASHED
    assert reason in ending.reason


@pytest.mark.parametrize(("do", "reason"), [("raise", "ValueError: two lines"), ("leave", "SystemExit: goodbye")])
def test_an_exception_is_reported_on_one_line(pool: Pool, do: str, reason: str) -> None:
    ending = _run(pool, _step(do, text="two\nlines"))
    assert (ending.fate, ending.reason) == (Fate.ERROR, reason)


@pytest.mark.parametrize(("do", "role"), [("hog", "plain"), ("hog", "parent"), ("hog in child", "parent")])
def test_memory_is_limited_in_the_worker_and_in_its_children(pool: Pool, do: str, role: str) -> None:
    ending = _run(pool, _step(do, role=role))
    assert (ending.fate, ending.reason) == (Fate.MEMORY, "over its limit of 400 MB")
    _echo(pool, role=role)


@pytest.mark.parametrize("length", [64 * 2**10 + 1, 5 * 2**20])
def test_long_answers_come_through(pool: Pool, length: int) -> None:
    ending = _run(pool, _step("answer long", length=length))
    assert ending.result == {"said": "x" * length}


def test_long_questions_go_through(pool: Pool) -> None:
    text = "y" * (5 * 2**20)
    assert _run(pool, _step("echo", text=text)).result == {"said": text}


def test_a_step_whose_worker_was_killed_from_outside_is_done_again(pool: Pool, tmp_path: Path) -> None:
    ending = _run(pool, _step("die once", mark=str(tmp_path / "mark"), deaths=ATTEMPTS - 1))
    assert ending.result == {"said": "alive"}
    assert (tmp_path / "mark").stat().st_size == ATTEMPTS


def test_idle_workers_killed_from_outside_are_replaced(pool: Pool) -> None:
    pid = _run(pool, _step("pid")).result
    assert pid is not None
    os.kill(int(pid["said"]), signal.SIGKILL)
    _echo(pool)


def test_a_nursery_killed_from_outside_is_replaced(pool: Pool) -> None:
    family: list[psutil.Process] = []
    commands: list[str] = []

    def kill_nursery() -> None:
        family.extend(_family(pool))
        commands.extend(_commands(pool))
        family[0].kill()

    step = _step("start child", role="parent", then="hang", limit_seconds=2.0)
    killer = threading.Timer(1.0, kill_nursery)
    killer.start()
    assert _run(pool, step).fate is Fate.TIMEOUT  # begun again by a new nursery
    killer.join()
    assert GRANDCHILD in commands
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive


def test_a_nursery_that_cannot_start_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with Pool([Role(name="none", target="no_such_module:Performer")], workers=1, memory_bytes=MEMORY) as pool:
        pool.start(_step("echo", role="none"))
        with pytest.raises(PoolError, match="ended with exit code 1"):
            pool.wait()
    assert "no_such_module" in capfd.readouterr().err


def test_a_performer_that_cannot_be_made_says_why(pool: Pool) -> None:
    ending = _run(pool, _step("echo", role="broken"))
    assert (ending.fate, ending.reason) == (Fate.ERROR, "broken does not start: RuntimeError: no licence")


def test_a_start_that_fails_is_tried_again(tmp_path: Path) -> None:
    role = Role(name="hard", target="hostile_engines:HardToStart", settings={"mark": str(tmp_path / "mark")})
    with Pool([role], workers=1, memory_bytes=MEMORY) as pool:
        _echo(pool, role="hard")
    assert (tmp_path / "mark").stat().st_size == START_ATTEMPTS


def test_starting_is_not_part_of_a_steps_time(pool: Pool) -> None:
    ending = _run(pool, _step("echo", role="slow", text="late", limit_seconds=0.5))
    assert ending.fate is Fate.DONE
    assert ending.seconds < 0.5


@pytest.mark.parametrize("then", ["hang", "exit"])
def test_children_go_with_their_worker(pool: Pool, then: str) -> None:
    _run(pool, _step("start child", role="parent", then=then, limit_seconds=0.5))
    deadline = time.monotonic() + 5
    while GRANDCHILD in (commands := _commands(pool)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert GRANDCHILD not in commands


def _commands(pool: Pool) -> list[str]:
    commands = []
    for process in _family(pool):
        with contextlib.suppress(psutil.Error, IndexError):
            commands.append(process.cmdline()[-1])
    return commands


def test_the_nursery_has_no_threads(pool: Pool) -> None:
    assert psutil.Process(pool._nursery.pid).num_threads() == 1


def test_workers_are_replaced_after_their_number_of_steps(pool: Pool) -> None:
    results = [_run(pool, _step("pid", role="short-lived")).result for _ in range(7)]
    pids = [result["said"] for result in results if result is not None]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [3, 3, 1]


def test_steps_run_side_by_side(pool: Pool) -> None:
    start = time.monotonic()
    assert pool.free == 2
    for _ in range(2):
        pool.start(_step("spin", limit_seconds=0.6))
    assert pool.free == 0
    fates = [ending.fate for _ in range(2) for _, ending in pool.wait()]
    assert fates[:2] == [Fate.TIMEOUT, Fate.TIMEOUT]
    assert time.monotonic() - start < 1.5
    assert pool.wait() == []


def test_a_killed_worker_is_replaced_in_milliseconds(pool: Pool) -> None:
    _echo(pool)
    waits = []
    for _ in range(10):
        start = time.monotonic()
        assert _run(pool, _step("spin", limit_seconds=0.01)).fate is Fate.TIMEOUT
        _echo(pool)
        waits.append(time.monotonic() - start)
    assert sorted(waits)[len(waits) // 2] < 0.1  # 10 ms of it are the limit


def test_nothing_is_left_when_the_pools_process_is_killed(
    engines_on_path: None, marked_processes: Callable[[], list[psutil.Process]]
) -> None:
    script = f"""
from intclass.components.integrate._pool import Pool, Step
from intclass.components.integrate._worker import Role
pool = Pool([Role(name="p", target="{PERFORMER}", own_memory=False)], workers=3, memory_bytes=10**9)
for do in ("spin", "sleep deaf", "start child"):
    pool.start(Step(role="p", payload={{"do": do, "then": "hang"}}, limit_seconds=1000))
pool.wait()
"""
    process = psutil.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 20
    while len(marked_processes()) < 6 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(marked_processes()) == 6  # itself, the nursery, three workers and a child of one
    process.kill()
    process.wait()
