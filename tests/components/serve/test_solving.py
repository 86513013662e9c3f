"""Solvers on request: real processes, few, killed at their limit, behind a short queue."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import psutil
import pytest
from kserve.errors import InvalidInput

from intclass.components.integrate import Solver
from intclass.components.serve import ServeConfig, solving
from intclass.components.serve.solving import BusyError, Solution, SolverDesk
from intclass.components.shared.errors import EngineUnavailableError

CONFIG = ServeConfig(solve_deadline_seconds=120, engines="sympy", solve_seconds=1.0, max_solved=2)
HANGS = "cos(log(x)*exp(x) + x)*log(sin(x) + x**3)/(exp(x) + x)"  # SymPy searches for minutes


@pytest.fixture(scope="module")
def others() -> set[psutil.Process]:
    """Processes of this one that are no solvers."""
    return set(psutil.Process().children(recursive=True))


@pytest.fixture(scope="module")
def desk(others: set[psutil.Process]) -> Iterator[SolverDesk]:
    desk = SolverDesk(CONFIG)
    yield desk
    desk.close()
    assert set(psutil.Process().children(recursive=True)) <= others


def test_a_solution_has_its_evidence(desk: SolverDesk) -> None:
    found, proved = asyncio.run(desk.solve(["x*exp(x**2)", "exp(x**2)"]))
    assert (found.label, found.antiderivative, found.verified) == ("elementary", "exp(x**2)/2", True)
    assert found.certificate is not None
    assert found.certificate.startswith("derivative equal at ")
    assert (proved.label, proved.antiderivative) == ("nonelementary", None)
    assert proved.certificate is not None
    assert proved.certificate.startswith("Liouville")


def test_a_search_that_does_not_end_is_killed_and_the_next_question_is_answered(desk: SolverDesk) -> None:
    hanging, after = asyncio.run(desk.solve([HANGS, "x"]))
    assert (hanging.label, hanging.reason.partition(":")[0]) == ("unknown", "timeout")
    assert hanging.seconds < 5
    assert after.antiderivative == "x**2/2"


@pytest.mark.parametrize(
    "pause", [pytest.param(0.0, id="while it starts"), pytest.param(6.0, id="while it works", marks=pytest.mark.slow)]
)
def test_closing_does_not_wait_for_what_is_being_solved(pause: float) -> None:
    before = set(psutil.Process().children(recursive=True))
    desk = SolverDesk(replace(CONFIG, solve_seconds=100.0))

    async def scenario() -> Solution:
        question = asyncio.create_task(desk.solve([HANGS]))
        await asyncio.sleep(pause)
        begun = time.monotonic()
        await asyncio.to_thread(desk.close)
        assert time.monotonic() - begun < 60  # starting takes its time
        return (await question)[0]

    assert asyncio.run(scenario()).label == "unknown"
    assert set(psutil.Process().children(recursive=True)) <= before


def test_solvers_get_the_cores_that_predictions_leave(desk: SolverDesk, others: set[psutil.Process]) -> None:
    before = psutil.Process().nice()
    asyncio.run(desk.solve(["x"]))
    assert {process.nice() for process in set(psutil.Process().children(recursive=True)) - others} == {10}
    assert psutil.Process().nice() == before < 10


def test_more_than_the_queue_holds_is_turned_away(desk: SolverDesk) -> None:
    async def scenario() -> None:
        first = asyncio.create_task(desk.solve(["x", "x**2"]))
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="the solvers are busy"):
            await desk.solve(["x**3"])
        await first

    asyncio.run(scenario())


def test_a_question_whose_deadline_passes_is_unknown_and_counts_until_its_solver_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = threading.Event()
    desk = SolverDesk(replace(CONFIG, solve_deadline_seconds=0.05))

    def hang(*_: object) -> None:
        go_on.wait(10)
        raise OSError("gone")

    async def scenario() -> list[Solution]:
        solutions = await desk.solve(["x", "x**2"])
        with pytest.raises(BusyError):
            await desk.solve(["x", "x**2"])
        go_on.set()
        while desk._waiting:
            await asyncio.sleep(0.01)
        return solutions

    monkeypatch.setattr(Solver, "solve", hang)
    solutions = asyncio.run(scenario())
    assert [one.reason for one in solutions] == ["timeout: no answer within 0.05 s"] * 2
    assert [one.label for one in solutions] == ["unknown"] * 2


def test_solvers_that_do_not_start_again_and_again_are_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = SolverDesk(CONFIG)
    monkeypatch.setattr(Solver, "solve", _fail(OSError("no more processes")))
    complaints = []
    for _ in range(3):
        complaints.append(desk.broken)
        [solution] = asyncio.run(desk.solve(["x"]))
        assert (solution.label, solution.reason) == ("unknown", "error: the solver did not start")
    assert [*complaints, desk.broken] == [None, None, None, "solvers do not start"]
    monkeypatch.undo()
    assert asyncio.run(desk.solve(["x"]))[0].antiderivative == "x**2/2"
    assert not desk.broken
    desk.close()


def test_an_engine_that_is_not_installed_is_nothing_that_a_restart_mends(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = SolverDesk(CONFIG)
    monkeypatch.setattr(Solver, "solve", _fail(EngineUnavailableError("no such engine")))
    for _ in range(4):
        asyncio.run(desk.solve(["x"]))
    assert desk.broken is None


def test_a_solver_that_does_not_come_back_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()

    def hang(*_: object) -> None:
        go_on.wait(10)
        raise OSError("gone")

    async def scenario(desk: SolverDesk) -> str | None:
        question = asyncio.create_task(desk.solve(["x"]))
        await asyncio.sleep(0.05)
        found = desk.broken
        go_on.set()
        await question
        return found

    monkeypatch.setattr(Solver, "solve", hang)
    monkeypatch.setattr(solving, "STALL_SECONDS", 0.01)
    assert asyncio.run(scenario(SolverDesk(CONFIG))) == "a solver does not come back"


def _fail(error: Exception) -> Callable[..., None]:
    def solve(*_: object) -> None:
        raise error

    return solve


def test_what_can_never_be_solved_in_one_request_is_refused() -> None:
    with pytest.raises(InvalidInput) as raised:
        SolverDesk(CONFIG).check(3)
    assert str(raised.value) == "solve: 3 instances, but at most 2 are solved at once"
    with pytest.raises(InvalidInput) as raised:
        SolverDesk(ServeConfig(solvers=0)).check(1)
    assert str(raised.value) == "solve: this server predicts only"
