from __future__ import annotations

import pytest
import sympy
from sympy import Expr, Integer, Piecewise, cos, diff, exp, log, pi, sin, sqrt

from intclass.components.integrate._verify import Agreement, verify
from intclass.components.integrate.engines import Status
from intclass.components.integrate.engines._sympy import CALLS_PER_CACHE, SymPyEngine
from intclass.components.shared.expressions import X, parse_trusted

x = X

ENGINE = SymPyEngine()

# Each pair differs by little: SymPy finds an elementary antiderivative of the first and none of the second.
MINIMAL_PAIRS: list[tuple[Expr, Expr]] = [
    (x * exp(x**2), exp(x**2)),
    (x * sin(x), sin(x) / x),
    (x**2 / (1 + x**3), 1 / log(x)),
    (cos(x) * exp(sin(x)), exp(exp(x))),
    (log(x), log(log(x))),
    (x * log(x), x**x),
]


@pytest.mark.parametrize("integrand", [pair[0] for pair in MINIMAL_PAIRS], ids=str)
def test_textbook_integrals_are_solved(integrand: Expr) -> None:
    answer = ENGINE.integrate(integrand, limit_seconds=10)
    assert (answer.status, answer.engine) == (Status.SOLVED, "sympy")
    assert answer.antiderivative is not None
    assert verify(integrand, parse_trusted(answer.antiderivative), seed="").agreement is Agreement.RIGHT
    assert 0 < answer.seconds < 10


@pytest.mark.parametrize("integrand", [pair[1] for pair in MINIMAL_PAIRS], ids=str)
def test_their_twins_are_not_solved_in_elementary_functions(integrand: Expr) -> None:
    answer = ENGINE.integrate(integrand, limit_seconds=10)
    if answer.status is Status.SOLVED:
        assert answer.antiderivative is not None
        found = parse_trusted(answer.antiderivative)
        assert found.has(sympy.erfi, sympy.Si, sympy.li, sympy.Ei)
        assert verify(integrand, found, seed="").agreement is Agreement.RIGHT
    else:
        assert answer.status is Status.UNEVALUATED
        assert "which proves nothing" in answer.reason or "which is no proof" in answer.reason


def test_a_non_elementary_integral_is_a_vote() -> None:
    answer = ENGINE.integrate(x**x, limit_seconds=10)
    assert (answer.status, answer.antiderivative) == (Status.UNEVALUATED, None)
    assert answer.reason == "SymPy's Risch procedure says it is not elementary, which is no proof"


def test_an_integral_left_standing_is_no_solution() -> None:
    answer = ENGINE.integrate(sympy.Function("f")(x) + x, limit_seconds=10)
    assert answer.status is Status.UNEVALUATED


@pytest.mark.parametrize("bad", [sympy.nan, sympy.oo, sympy.zoo * x])
def test_an_answer_that_is_not_finite_is_an_error(bad: Expr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sympy, "integrate", lambda *_: bad)
    answer = ENGINE.integrate(x, limit_seconds=10)
    assert (answer.status, answer.antiderivative) == (Status.ERROR, None)
    assert "not finite" in answer.reason


def test_an_exception_is_an_error_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: object) -> None:
        raise NotImplementedError("two\nlines")

    monkeypatch.setattr(sympy, "integrate", stumble)
    answer = ENGINE.integrate(x, limit_seconds=10)
    assert (answer.status, answer.reason) == (Status.ERROR, "NotImplementedError: two lines")


def test_running_out_of_memory_is_the_workers_business(monkeypatch: pytest.MonkeyPatch) -> None:
    def hog(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(sympy, "integrate", hog)
    with pytest.raises(MemoryError):
        ENGINE.integrate(x, limit_seconds=10)


def test_an_answer_without_notation_is_unverified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sympy, "integrate", lambda *_: sympy.Function("f")(x))
    answer = ENGINE.integrate(x, limit_seconds=10)
    assert (answer.status, answer.antiderivative) == (Status.UNVERIFIED, None)
    assert "cannot be written down" in answer.reason


def test_an_answer_with_branches_can_be_read_back() -> None:
    integrand = sqrt(x + 1) / x
    answer = ENGINE.integrate(integrand, limit_seconds=30)
    assert answer.antiderivative is not None
    found = parse_trusted(answer.antiderivative)
    assert found.has(Piecewise)
    assert verify(integrand, found, seed="").agreement is Agreement.RIGHT


def test_a_sum_over_roots_can_be_read_back() -> None:
    integrand = 1 / (x**5 - x - 1)
    answer = ENGINE.integrate(integrand, limit_seconds=30)
    assert answer.antiderivative is not None
    found = parse_trusted(answer.antiderivative)
    assert found.has(sympy.RootSum)
    assert verify(integrand, found, seed="").agreement is Agreement.RIGHT


def test_warnings_of_sympy_are_nobodys_business() -> None:
    assert ENGINE.integrate(Integer(3) * pi, limit_seconds=10).antiderivative is not None


def test_the_cache_is_emptied_now_and_then() -> None:
    engine = SymPyEngine()
    for n in range(CALLS_PER_CACHE):
        assert engine.integrate(x + n, limit_seconds=10).status is Status.SOLVED
    sizes = [cached.cache_info().currsize for cached in (sympy.expand_log, diff) if hasattr(cached, "cache_info")]
    assert all(size < 100 for size in sizes)


def test_the_version_is_sympys() -> None:
    assert ENGINE.version == f"sympy {sympy.__version__}"
