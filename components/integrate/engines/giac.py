"""giac (the library behind Xcas) as an engine: it finds many antiderivatives, and its "no" proves nothing.

It starts in 20 ms, so each integrand gets a process of its own, which leaves nothing to clean up.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from typing import ClassVar, Final

from sympy import Expr

from intclass.components.integrate._processes import die_with_parent, limit_own_memory
from intclass.components.integrate.engines._base import Answer, Engine, Status
from intclass.components.integrate.engines._giac_program import find_program
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import to_text

MEMORY_BYTES: Final = 768 * 2**20

# Over the complex numbers the integral of 1/x is log(x), elsewhere log(abs(x)), which no complex point can check.
_SETTING: Final = "complex_mode:=1"
_OUTPUT: Final = re.compile(r"^\[1,(.*)\]$", re.MULTILINE)
_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_SYMPY_NAMES: Final = {"ln": "log", "i": "I", "e": "E", "abs": "Abs", "igamma": "lowergamma", "Gamma": "gamma"} | {
    name: name
    for name in (
        *("x", "pi", "sqrt", "exp", "log", "sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan"),
        *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sign", "floor", "erf", "erfc", "Ei", "Si", "Ci"),
    )
}


class GiacEngine(Engine):
    """`giac "int(integrand,x)"`.

    Args:
        memory_bytes: What the giac process may use.

    Raises EngineUnavailableError if there is no giac.
    """

    name: ClassVar[str] = "giac"

    def __init__(self, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._program = find_program()
        self._memory_bytes = memory_bytes
        self._version = self._run("--version", seconds=30).stdout.split()[-1]

    @property
    def version(self) -> str:
        """The system's version, for the record (`giac 1.9.0`)."""
        return f"giac {self._version}"

    def integrate(self, integrand: Expr, *, limit_seconds: float) -> Answer:
        """An antiderivative in x, or why there is none; giac is killed at the limit."""
        start = time.monotonic()
        status, reason, antiderivative = self._ask(integrand, limit_seconds)
        return Answer(
            engine=self.name,
            engine_version=self.version,
            status=status,
            reason=reason,
            seconds=time.monotonic() - start,
            antiderivative=antiderivative,
        )

    def _ask(self, integrand: Expr, seconds: float) -> tuple[Status, str, str | None]:
        try:
            text = re.sub(r"\bE\b", "e", to_text(integrand)).replace("**", "^")
            done = self._run(_SETTING, f"int({text},x)", seconds=seconds)
        except ExpressionError as error:
            return Status.ERROR, f"cannot be written for giac: {error}", None
        except subprocess.TimeoutExpired:
            return Status.TIMEOUT, "no answer in time", None
        if done.returncode:
            hint = " (out of memory?)" if done.returncode == -signal.SIGABRT else ""
            return Status.CRASHED, f"giac ended with code {done.returncode}{hint}", None
        output = _OUTPUT.search(done.stdout)
        return _read(output[1]) if output else (Status.ERROR, "no answer", None)

    def _run(self, *arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
        parent = os.getpid()

        def prepare() -> None:
            die_with_parent(parent)
            limit_own_memory(self._memory_bytes)

        return subprocess.run(
            [self._program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # megabytes of warnings
            text=True,
            cwd="/",
            timeout=seconds,
            check=False,
            preexec_fn=prepare,
        )


def _read(text: str) -> tuple[Status, str, str | None]:
    """Status, reason and antiderivative of giac's answer."""
    names = set(_NAME.findall(text))
    if "integrate" in names or "int" in names:
        return Status.UNEVALUATED, "integral left unevaluated", None
    unknown = sorted(names - set(_SYMPY_NAMES))
    if unknown:
        return Status.ERROR, f"the answer holds {', '.join(unknown)}, which cannot be read", None
    return Status.SOLVED, "answered", _NAME.sub(lambda match: _SYMPY_NAMES[match[0]], text).replace("^", "**")
