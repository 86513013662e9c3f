from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from intclass.components.integrate.engines._fricas_program import FricasProgram, find_program
from intclass.components.integrate.engines._fricas_session import FricasSession
from intclass.components.integrate.engines._fricas_start import WarmStart
from intclass.components.integrate.engines.fricas import FricasEngine
from intclass.components.shared.errors import EngineUnavailableError

MEMORY_BYTES = 512 * 2**20


@pytest.fixture
def program(fricas_engine: FricasEngine) -> FricasProgram:
    return find_program()


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def asked(session: FricasSession, command: str) -> str:
    return session.ask(command, deadline=session.deadline(10))


def runs_on_gcl(program: FricasProgram) -> bool:
    session = FricasSession(program, memory_bytes=MEMORY_BYTES)
    lisp = asked(session, ")lisp (lisp-implementation-type)")
    session.close()
    return "GCL" in lisp


def check_integrates(session: FricasSession, closing: ExitStack) -> None:
    closing.callback(session.close)
    assert asked(session, "PRINC(integrate(1/x, x)::InputForm)$Lisp") == "(log x)"
    assert asked(session, "PRINC(numer(1/2 + 1/3))$Lisp") == "5"  # what the warm-up did not load


def test_later_processes_start_from_what_the_first_has_saved(
    program: FricasProgram, closing: ExitStack, tmp_path: Path
) -> None:
    if not runs_on_gcl(program):
        pytest.skip("NOT TESTED: this FriCAS runs on a Lisp that saves no programs")
    start = WarmStart(program, memory_bytes=MEMORY_BYTES, cache=tmp_path / "cache")
    sessions = [start(), start(), WarmStart(program, memory_bytes=MEMORY_BYTES, cache=tmp_path / "cache")()]
    (saved,) = (tmp_path / "cache").iterdir()
    for session in sessions:
        check_integrates(session, closing)
        assert Path(psutil.Process(session.pid).exe()) == saved
    assert saved.stat().st_mode & 0o077 == 0, "what runs as this user is this user's alone"


def test_a_broken_or_lost_saved_program_is_done_without(
    program: FricasProgram, closing: ExitStack, tmp_path: Path
) -> None:
    check_integrates(WarmStart(program, memory_bytes=MEMORY_BYTES, cache=tmp_path)(), closing)
    for saved in tmp_path.iterdir():
        saved.unlink()  # a program that runs cannot be written to
        saved.write_bytes(b"#!/bin/false\n")
        saved.chmod(0o700)
    start = WarmStart(program, memory_bytes=MEMORY_BYTES, cache=tmp_path)
    check_integrates(start(), closing)
    check_integrates(start(), closing)


def test_a_cache_that_cannot_be_written_is_done_without(
    program: FricasProgram, closing: ExitStack, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    check_integrates(WarmStart(program, memory_bytes=MEMORY_BYTES, cache=tmp_path / "cache")(), closing)


def test_a_program_that_is_none_does_not_start(tmp_path: Path) -> None:
    nothing = FricasProgram(command=("/bin/true",))
    with pytest.raises(EngineUnavailableError, match="/bin/true does not start"):
        WarmStart(nothing, memory_bytes=MEMORY_BYTES, cache=tmp_path)()
