from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psutil
import pytest
from sympy import exp

from intclass.components.integrate import Solver, solve
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.expressions import X
from intclass.components.shared.records import OUTCOMES

x = X


@pytest.fixture(scope="module")
def solver() -> Iterator[Solver]:
    with Solver(engines=("sympy",), limit_seconds=30.0) as solver:
        yield solver


def test_a_text_is_solved(solver: Solver) -> None:
    row = solver.solve("2*x*cos(x^2)")
    OUTCOMES.build([row])
    assert (row["label"], row["antiderivative"], row["verified"]) == ("elementary", "sin(x**2)", True)
    assert (row["integrand"], row["canonical"]) == ("2*x*cos(x^2)", "2*x*cos(x**2)")


def test_an_expression_is_solved(solver: Solver) -> None:
    assert solver.solve(x * exp(x))["label"] == "elementary"


def test_text_that_cannot_be_read_is_unknown(solver: Solver) -> None:
    row = solver.solve("__import__('os').system('id')")
    assert row["label"] == "unknown"
    assert row["reason"].startswith("unparsable: ")


def test_threads_may_share_a_solver(solver: Solver) -> None:
    found: dict[int, str] = {}

    def ask(n: int) -> None:
        found[n] = solver.solve(f"x**{n}")["antiderivative"]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(2, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: f"x**{n + 1}/{n + 1}" for n in range(2, 7)}


def test_a_solver_outlives_its_processes(own_processes: Callable[[], list[psutil.Process]]) -> None:
    with Solver(engines="hostile_engines:HostileEngine", limit_seconds=0.2) as solver:
        assert solver.solve("5")["label"] == "elementary"
        for process in own_processes():
            process.kill()
        assert solver.solve("6")["label"] == "elementary"
        hang = solver.solve("x + 1")
        assert (hang["label"], hang["reason"].partition(":")[0]) == ("unknown", "timeout")
        solver.close()
        assert not own_processes()
        assert solver.solve("7")["label"] == "elementary"
    assert not own_processes()


def test_one_integrand_needs_no_solver(own_processes: Callable[[], list[psutil.Process]]) -> None:
    assert solve("8", engines=("hostile_engines:HostileEngine",))["antiderivative"] == "(8)*x"
    assert not own_processes()


def test_unknown_engines_are_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="no engine 'maple'"):
        Solver(engines="maple")
