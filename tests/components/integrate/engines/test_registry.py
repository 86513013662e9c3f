from __future__ import annotations

import logging

import pytest

from intclass.components.integrate.engines import EngineEntry, _registry, find_engine, is_available, parse_engines
from intclass.components.integrate.engines._registry import ENGINES
from intclass.components.integrate.engines._sympy import SymPyEngine
from intclass.components.shared.errors import ConfigError

SYMPY = "intclass.components.integrate.engines._sympy:SymPyEngine"


def _fricas(monkeypatch: pytest.MonkeyPatch, *, installed: bool) -> None:
    program = f"scripted_engine:{'present' if installed else 'absent'}"
    entry = EngineEntry(name="fricas", target=ENGINES["fricas"].target, program=program)
    monkeypatch.setattr(_registry, "ENGINES", {**ENGINES, "fricas": entry})


@pytest.mark.parametrize("name", list(ENGINES))
def test_every_engine_can_be_loaded_under_its_name(name: str) -> None:
    assert find_engine(name).load().name == name


def test_sympy_is_always_there() -> None:
    assert is_available("sympy")
    assert parse_engines("sympy") == ("sympy",)


def test_an_engine_of_ones_own_is_named_by_its_place() -> None:
    assert parse_engines(f" sympy , {SYMPY}") == ("sympy", SYMPY)
    assert find_engine(SYMPY) == EngineEntry(name="sympy", target=SYMPY)
    assert find_engine(SYMPY).load() is SymPyEngine


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("maple", "no engine 'maple'; there are fricas, sympy, giac"),
        ("", "no engine ''"),
        ("sympy,sympy", "names an engine twice"),
        ("no_such_module:Engine", "no_such_module"),
        ("math:Engine", "no attribute 'Engine'"),
        ("math:sqrt", "is no Engine"),
        ("pathlib:Path", "is no Engine"),
    ],
)
def test_other_names_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_engines(text)


def test_auto_is_fricas_first_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    _fricas(monkeypatch, installed=True)
    assert parse_engines("auto") == parse_engines(("auto",)) == ("fricas", "sympy")


def test_auto_without_fricas_says_what_that_costs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _fricas(monkeypatch, installed=False)
    assert not is_available("fricas")
    with caplog.at_level(logging.WARNING):
        assert parse_engines("auto") == ("sympy",)
    [record] = caplog.records
    assert "FriCAS is not installed" in record.message
    assert "non-elementary" in record.message


def test_engines_with_a_program_get_time_to_start_it_again() -> None:
    assert ENGINES["fricas"].grace_seconds > 1
    assert ENGINES["sympy"].grace_seconds == 0


def test_the_procedure_is_fricas_alone() -> None:
    assert [name for name, entry in ENGINES.items() if entry.procedure] == ["fricas"]
