"""Solvers on request: real processes, few, killed at their limit, behind a short queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import psutil
import pytest
from kserve.errors import InvalidInput

from intclass.components.serve import ServeConfig
from intclass.components.serve.solving import BusyError, SolverDesk

CONFIG = ServeConfig(engines="sympy", solve_seconds=1.0, max_solved=2)
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


def test_solvers_get_the_cores_that_predictions_leave(desk: SolverDesk, others: set[psutil.Process]) -> None:
    asyncio.run(desk.solve(["x"]))
    assert {process.nice() for process in set(psutil.Process().children(recursive=True)) - others} == {10}
    assert psutil.Process().nice() == 0


def test_more_than_the_queue_holds_is_turned_away(desk: SolverDesk) -> None:
    async def scenario() -> None:
        first = asyncio.create_task(desk.solve(["x", "x**2"]))
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="the solvers are busy"):
            await desk.solve(["x**3"])
        await first

    asyncio.run(scenario())


def test_what_can_never_be_solved_in_one_request_is_refused() -> None:
    with pytest.raises(InvalidInput) as raised:
        SolverDesk(CONFIG).check(3)
    assert str(raised.value) == "solve: 3 instances, but at most 2 are solved at once"
    with pytest.raises(InvalidInput) as raised:
        SolverDesk(ServeConfig(solvers=0)).check(1)
    assert str(raised.value) == "solve: this server predicts only"
