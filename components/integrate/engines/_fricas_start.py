"""Starts FriCAS warm: with everything loaded that integration uses most.

FriCAS loads its library piece by piece, each when it is first used, which takes several times as long as starting the
program. On GCL (Debian's FriCAS) a process that has loaded it can save itself as a program that starts as fast as the
bare one. It is kept in the user's cache folder, under a name that says what it was made from. On another Lisp, and
where nothing can be kept, each process loads for itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
from platformdirs import user_cache_path

from intclass.components.integrate.engines._fricas_program import FricasProgram
from intclass.components.integrate.engines._fricas_session import SETTINGS, DiedError, FricasSession, StoppedError
from intclass.components.shared.errors import EngineUnavailableError

WARM_UP: Final = ("x^2*exp(x)", "exp(x)*sin(x)/(x+1)", "atan(exp(x)+sqrt(x))")  # they load most of what is ever used
_INTEGRATE: Final = "integrate(({integrand})::EXPR(INT), x)"
_SECONDS: Final = 10.0  # of processor time for all of it
_WHICH_LISP: Final = ")lisp (lisp-implementation-type)"
_SAVE: Final = ')lisp (si:save-system "{path}")'  # ends the process


class WarmStart:
    """Starts processes of a program.

    Args:
        program: How to start it cold.
        memory_bytes: What each process may use.
        cache: Where the saved program is kept; by default the user's cache folder.
    """

    def __init__(self, program: FricasProgram, *, memory_bytes: int, cache: Path | None = None) -> None:
        self._program, self._memory_bytes = program, memory_bytes
        self._cache = cache or user_cache_path("intclass")
        self._saved: FricasProgram | None = None
        self._may_save = True

    def __call__(self) -> FricasSession:
        """A warm process; raises EngineUnavailableError if the program does not start."""
        if self._may_save and self._saved is None:
            self._saved = self._save()
        if self._saved is not None:
            with contextlib.suppress(EngineUnavailableError):
                return FricasSession(self._saved, memory_bytes=self._memory_bytes)
            self._saved = None  # the file was deleted or broken: do without
        self._may_save = False
        return self._warm()

    def _cold(self) -> FricasSession:
        return FricasSession(self._program, memory_bytes=self._memory_bytes)

    def _warm(self) -> FricasSession:
        session = self._cold()
        try:
            deadline = session.deadline(_SECONDS)
            for integrand in WARM_UP:
                session.ask(_INTEGRATE.format(integrand=integrand), deadline=deadline)
        except (StoppedError, DiedError) as error:
            session.close()
            raise EngineUnavailableError(f"{self._program.command[0]} does not start: {error}") from error
        return session

    def _save(self) -> FricasProgram | None:
        """The saved program, made now if it is not there; None if this Lisp or folder cannot have one."""
        with contextlib.closing(self._cold()) as session:
            if "GCL" not in session.ask(_WHICH_LISP, deadline=session.deadline(_SECONDS)):
                return None
            binary, environment = _origin(session.pid)
            path = self._cache / f"fricas-{session.version}-{_fingerprint(binary)}"
        if not path.exists():
            try:
                with _written_whole(path) as unfinished:
                    self._write(unfinished)
            except (OSError, StoppedError):  # a read-only or full disk
                return None
        return FricasProgram(command=(str(path),), environment={**self._program.environment, **environment})

    def _write(self, path: Path) -> None:
        with contextlib.closing(self._warm()) as session, contextlib.suppress(DiedError):
            quoted = str(path).replace("\\", "\\\\").replace('"', '\\"')
            session.ask(_SAVE.format(path=quoted), deadline=session.deadline(_SECONDS))


def _origin(pid: int) -> tuple[Path, dict[str, str]]:
    """The program behind a process, which may have been started by a script, and where it finds its library."""
    process = psutil.Process(pid)
    return Path(process.exe()), {"FRICAS": process.environ().get("FRICAS", "")}


def _fingerprint(binary: Path) -> str:
    status = binary.stat()
    made_from = (str(binary), status.st_size, status.st_mtime_ns, SETTINGS, WARM_UP)
    return hashlib.sha256(repr(made_from).encode()).hexdigest()[:16]


@contextlib.contextmanager
def _written_whole(path: Path) -> Iterator[Path]:
    """A path to write to; only what is whole gets its name, so that others may write the same at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    try:
        yield unfinished
        unfinished.chmod(0o700)
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
