"""giac: skipped, and said so, where it is not installed."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError

import pytest
import sympy

from intclass.components.integrate._verify import Agreement, verify
from intclass.components.integrate.engines import Status, _giac_program
from intclass.components.integrate.engines.giac import GiacEngine
from intclass.components.shared.errors import EngineUnavailableError
from intclass.components.shared.expressions import X, parse, parse_trusted


@pytest.fixture
def giac(monkeypatch: pytest.MonkeyPatch) -> GiacEngine:
    """Set WHEELS to the site-packages of an environment that has the wheel, unless this one has it."""
    if "WHEELS" in os.environ:
        monkeypatch.syspath_prepend(os.environ["WHEELS"])
    try:
        return GiacEngine()
    except EngineUnavailableError as error:
        pytest.skip(f"NOT TESTED: {error}")


@pytest.mark.parametrize(
    "text", ["1/x", "x*exp(x)", "sec(x)", "sqrt(tan(x))", "E**x*x", "1/(x**2 - 2)", "x*atan(x)", "x**(1/3)/(1 + x)"]
)
def test_textbook_integrals_are_solved(giac: GiacEngine, text: str) -> None:
    answer = giac.integrate(parse(text), limit_seconds=10)
    assert answer.status is Status.SOLVED, answer
    assert answer.antiderivative is not None
    assert verify(parse(text), parse_trusted(answer.antiderivative), seed=text).agreement is Agreement.RIGHT


@pytest.mark.parametrize(
    ("integrand", "status", "reason"),
    [
        (X**X, Status.UNEVALUATED, "left unevaluated"),
        (1 / (X**3 + X + 1), Status.ERROR, "rootof"),
        (sympy.zoo, Status.ERROR, "cannot be written"),
    ],
)
def test_other_endings_are_told_apart(giac: GiacEngine, integrand: sympy.Expr, status: Status, reason: str) -> None:
    answer = giac.integrate(integrand, limit_seconds=10)
    assert answer.status is status
    assert reason in answer.reason
    assert answer.antiderivative is None


def test_it_is_stopped_at_the_limits(giac: GiacEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    long = parse("(x + sin(x) + exp(x) + log(x) + 1)**80")
    answer = giac.integrate(long, limit_seconds=0.5)
    assert answer.status is Status.TIMEOUT
    assert answer.seconds < 5
    monkeypatch.setattr(giac, "_memory_bytes", 300 * 2**20)
    assert "out of memory?" in giac.integrate(long, limit_seconds=20).reason
    assert giac.integrate(X, limit_seconds=5).antiderivative == "x**2/2"


def test_without_giac_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_missing(_: str) -> None:
        raise PackageNotFoundError

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(_giac_program, "distribution", is_missing)
    with pytest.raises(EngineUnavailableError, match=r"apt-get install giac.*pip install"):
        GiacEngine()
