from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import sympy

from intclass.components.integrate.engines import Status
from intclass.components.integrate.engines import _fricas_program as module
from intclass.components.integrate.engines._fricas_program import FricasProgram, find_program, wheel_program
from intclass.components.integrate.engines.fricas import FricasEngine
from intclass.components.shared.errors import EngineUnavailableError
from intclass.components.shared.expressions import X, parse

TARGET = "sage_wheels/lib/fricas/target/x86_64-pc-linux-gnu"


def lay_out_wheel(site: Path, *, with_ecl: bool) -> None:
    """The files of the wheel that matter, in a folder of installed packages."""
    (site / TARGET / "bin").mkdir(parents=True)
    (site / TARGET / "bin" / "FRICASsys").touch()
    info = site / "passagemath_fricas-10.8.13.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: passagemath-fricas\nVersion: 10.8.13\n")
    if with_ecl:
        (site / "sage_wheels/lib/ecl-26.5.5").mkdir()
        (site / "sage_wheels/lib/ecl-26.5.5/cmp.fas").touch()


@pytest.mark.parametrize("with_ecl", [True, False])
def test_the_wheels_program_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_ecl: bool) -> None:
    lay_out_wheel(tmp_path, with_ecl=with_ecl)
    monkeypatch.syspath_prepend(tmp_path)
    program = wheel_program()
    assert program is not None
    assert program.command == (str(tmp_path / TARGET / "bin" / "FRICASsys"),)
    assert program.environment["FRICAS"] == str(tmp_path / TARGET)
    library = program.environment["ECLDIR"]
    assert library.endswith("/")
    assert Path(library) == (tmp_path / "sage_wheels/lib/ecl-26.5.5" if with_ecl else Path(module.__file__).parent)
    assert with_ecl or (Path(library) / "cmp.lsp").is_file()


def test_the_systems_program_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out_wheel(tmp_path, with_ecl=True)
    program = tmp_path / "bin" / "fricas"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", str(program.parent))
    assert find_program().command == (str(program), "-nosman")


def test_without_fricas_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_missing(_: str) -> None:
        raise PackageNotFoundError

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "distribution", is_missing)
    with pytest.raises(EngineUnavailableError, match=r"apt-get install .*fricas.*pip install"):
        FricasEngine()


@pytest.mark.parametrize("command", [("/nonexistent/fricas",), ("/bin/cat",), ("/bin/false",)])
def test_what_is_not_fricas_does_not_start(command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intclass.components.integrate.engines._fricas_session.START_SECONDS", 0.2)
    with pytest.raises(EngineUnavailableError, match="does not start"):
        FricasEngine(FricasProgram(command=command))


@pytest.mark.slow
@pytest.mark.parametrize("with_ecl", [True, False])
def test_the_wheels_program_works(monkeypatch: pytest.MonkeyPatch, with_ecl: bool) -> None:
    """Set WHEELS to the site-packages of an environment that has the wheel, unless this one has it."""
    if "WHEELS" in os.environ:
        monkeypatch.syspath_prepend(os.environ["WHEELS"])
    program = wheel_program()
    if program is None:
        pytest.skip("NOT TESTED: the wheel passagemath-fricas is neither installed here nor under WHEELS")
    if not with_ecl:
        environment = {**program.environment, "ECLDIR": f"{Path(module.__file__).parent}/"}
        program = FricasProgram(command=program.command, environment=environment)
    assert distribution("passagemath-fricas").version
    engine = FricasEngine(program, memory_bytes=512 * 2**20)
    assert engine.version.startswith("fricas 1.3.")
    assert engine.integrate(X * sympy.exp(X), limit_seconds=10).antiderivative == "(x - 1)*exp(x)"
    assert engine.integrate(parse("x**x"), limit_seconds=10).status is Status.UNEVALUATED
    assert engine.integrate(parse("asin(asin((x - 2/sin(log(x)))*cos(1)))"), limit_seconds=0.5).status is Status.TIMEOUT
    assert engine.integrate(2 * X, limit_seconds=5).antiderivative == "x**2"
    assert "RootSum" in str(engine.integrate(parse("1/(x**7 + 3*x + 1)"), limit_seconds=10).antiderivative)
    engine.close()
