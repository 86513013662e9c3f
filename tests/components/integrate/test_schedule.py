from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from intclass.components.integrate._balance import Balance
from intclass.components.integrate._pool import Pool
from intclass.components.integrate._schedule import Job, Scheduler, run_jobs
from intclass.components.integrate._steal import Steal
from intclass.components.integrate._tasks import Ending, Step
from intclass.components.integrate._worker import Role

SCHEDULERS = [Balance, Steal]
WORKERS = 3


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool([Role(name="plain", target="hostile_engines:Performer")], workers=WORKERS, memory_bytes=2**30) as pool:
        yield pool


def _steps(text: str, *, steps: int = 2, seconds: float = 0.0) -> Generator[Step, Ending, str]:
    """Says its text once in each step, after a nap; the result is all that was said."""
    said = ""
    for _ in range(steps):
        yield Step(role="plain", payload={"do": "nap", "seconds": seconds}, limit_seconds=30.0)
        ending = yield Step(role="plain", payload={"do": "echo", "text": text}, limit_seconds=30.0)
        assert ending.result is not None
        said += ending.result["said"]
    return said


def _nothing(result: str) -> Generator[Step, Ending, str]:
    yield from ()
    return result


def _names(jobs: Scheduler[int, str], lane: int, number: int) -> list[int | None]:
    taken = [jobs.take(lane) for _ in range(number)]
    return [None if job is None else job[0] for job in taken]


def _jobs(number: int) -> list[Job[int, str]]:
    return [(key, _nothing("")) for key in range(number)]


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_every_job_is_done_once_and_its_endings_come_back_to_it(kind: type[Scheduler[int, str]], pool: Pool) -> None:
    jobs = ((key, _steps(f"<{key}>", steps=key % 3)) for key in range(20))  # some need no step at all
    results = list(run_jobs(pool, kind(jobs, lanes=pool.size)))
    assert sorted(results) == [(key, f"<{key}>" * (key % 3)) for key in range(20)]
    assert pool.free == WORKERS


@pytest.mark.parametrize("kind", SCHEDULERS)
@pytest.mark.parametrize("number", [0, 1, WORKERS + 1])
def test_few_jobs_leave_lanes_idle(kind: type[Scheduler[int, str]], number: int, pool: Pool) -> None:
    jobs = [(key, _steps("x")) for key in range(number)]
    assert len(list(run_jobs(pool, kind(jobs, lanes=pool.size)))) == number


@pytest.mark.parametrize("kind", SCHEDULERS)
def test_a_slow_job_holds_up_no_other(kind: type[Scheduler[int, str]], pool: Pool) -> None:
    """Also not those that were dealt to the same lane."""
    jobs = [(key, _steps("x", steps=1, seconds=1.0 if key == 0 else 0.0)) for key in range(WORKERS * 5)]
    order = [key for key, _ in run_jobs(pool, kind(jobs, lanes=pool.size))]
    assert order[-1] == 0


def test_balance_draws_jobs_as_they_are_needed() -> None:
    drawn = []

    def draw() -> Iterator[Job[int, str]]:
        for key, steps in _jobs(5):
            drawn.append(key)
            yield key, steps

    jobs = Balance(draw(), lanes=2)
    assert (_names(jobs, 1, 1), _names(jobs, 0, 1), drawn) == ([0], [1], [0, 1])
    assert _names(jobs, 1, 4) == [2, 3, 4, None]
    assert jobs.steals == 0


class TestSteal:
    def test_an_owner_takes_its_own_jobs_in_the_order_of_the_input(self) -> None:
        jobs = Steal(_jobs(7), lanes=3)
        assert [_names(jobs, lane, number) for lane, number in ((0, 3), (1, 2), (2, 2))] == [[0, 3, 6], [1, 4], [2, 5]]
        assert jobs.steals == 0

    def test_a_thief_takes_from_the_tail(self) -> None:
        jobs = Steal(_jobs(6), lanes=2)
        assert _names(jobs, 0, 5) == [0, 2, 4, 5, 3]
        assert _names(jobs, 1, 2) == [1, None]
        assert jobs.steals == 2

    def test_victims_are_all_that_have_something_left(self) -> None:
        jobs = Steal(_jobs(30), lanes=3)
        assert sorted(key for key in _names(jobs, 2, 30) if key is not None) == list(range(30))
        assert jobs.steals == 20
        assert _names(jobs, 0, 1) == _names(jobs, 1, 1) == [None]
