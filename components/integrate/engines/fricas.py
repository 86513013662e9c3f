"""FriCAS as an engine: the most complete implementation of the Risch procedure that is free.

When FriCAS comes to a part of the procedure that is not implemented it says so with an error, and when the procedure
ends without a result it leaves the integral standing (W. Hebisch, FriCAS' maintainer, fricas/fricas issue 19): the
former says nothing, the latter that there is no elementary antiderivative. What FriCAS gives as an antiderivative has
to be checked, because it simplifies across branch cuts, as asin(sin(x)) to x.

FriCAS is asked in two ways. `internalIntegrate` is the procedure itself, over the complex numbers, with sums over the
roots of polynomials as in the theorems; it decides, and it has no trouble with rational functions of high degree. If
there is a result, `integrate` is asked for it in real functions, which may take long, as it writes those roots out. It
is also asked where the procedure loses itself in complex functions, as for sin(asin(x) - 1); and it is not believed
where it has lost special functions of the result, as it does with elliptic integrals: x^2/sqrt(1 - x^4).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import ClassVar, Final

from sympy import Abs, Expr, sign

from intclass.components.integrate.engines._base import Answer, Engine, Status
from intclass.components.integrate.engines._fricas_program import FricasProgram, find_program
from intclass.components.integrate.engines._fricas_session import Deadline, DiedError, StoppedError
from intclass.components.integrate.engines._fricas_start import WarmStart
from intclass.components.integrate.engines._fricas_text import (
    LOG_SUM,
    ROOT,
    UnprintableError,
    UnreadableError,
    from_fricas,
    special_functions,
    to_fricas,
)

MEMORY_BYTES: Final = 768 * 2**20
ANSWERS_PER_PROCESS: Final = 1000  # in which it grows by tens of MB
_WORN_SHARE: Final = 0.75  # of the memory limit; a process that holds so much is replaced
_DECISION_SHARE: Final = 0.6  # of the time; the rest is for the real form
_REAL_FORM_SHARE: Final = 0.8  # of the time that is left; the rest is for writing the sums

_FIELD: Final = "EXPR(INT)"
# The last results are forgotten, so that none can be taken for the next one's. So is every function that FriCAS has
# met: it works through them in an order that depends on what came first, and so would the time and form of answers.
_FORGET: Final = f"""\
result := 0
answer := 0
clearCache()$SCACHE(Kernel({_FIELD}))
clearCache()$SCACHE(Kernel(EXPR(COMPLEX(INT))))
"""
_DECIDE: Final = f"result := internalIntegrate(({{integrand}})::{_FIELD}, x)$FSCINT(INT, {_FIELD})"
_IS_ELEMENTARY: Final = "PRINC(elem?(result))$Lisp"
_REAL_FORM: Final = f"answer := integrate(({{integrand}})::{_FIELD}, x)"
_FIRST_FORM: Final = "answer := first(answer)"
_SUM_FORM: Final = (
    f"answer := split(result)$IR2F(INT, {_FIELD})\n"
    f"answer := ratpart(answer) + reduce(+, [s.scalar * kernel(operator('{LOG_SUM}), "
    f"[(s.coeff)({ROOT}::{_FIELD}), (s.logand)({ROOT}::{_FIELD})])${_FIELD} for s in logpart(answer)], 0::{_FIELD})"
)
_FUNCTIONS: Final = "PRINC([name(o) for o in operators({variable})])$Lisp"
_PRINT: Final = "PRINC(answer::InputForm)$Lisp"

_ERROR: Final = re.compile(
    r">> (?:Error detected within library code|System error):(.*)|^\s*(Cannot .*)|(\d+ error\(s\) parsing)",
    re.DOTALL | re.MULTILINE,
)
_OUT_OF_MEMORY: Final = re.compile(r"exhausted|heap|storage", re.IGNORECASE)
_NOT_IMPLEMENTED: Final = re.compile(r"incomplete|implemented")

_NO_RESULT: Final = "Risch procedure completed: integral left unevaluated"


@dataclass(frozen=True)
class _Outcome:
    """An answer without its frame."""

    status: Status
    reason: str
    antiderivative: str | None = None


class _RefusedError(Exception):
    """FriCAS replied with an error."""


class FricasEngine(Engine):
    """Asks one FriCAS process, which is started again when it has died and after many answers.

    Args:
        program: The program to use; by default the system's, else the wheel's.
        memory_bytes: What the FriCAS process may use.

    Raises EngineUnavailableError if there is no FriCAS or it does not start.
    """

    name: ClassVar[str] = "fricas"

    def __init__(self, program: FricasProgram | None = None, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._start = WarmStart(program or find_program(), memory_bytes=memory_bytes)
        self._session = self._start()
        self._answers = 0

    @property
    def version(self) -> str:
        """The system's version, for the record (`fricas 1.3.8`)."""
        return f"fricas {self._session.version}"

    @property
    def pid(self) -> int:
        """The process id of FriCAS; another one after it was started again."""
        return self._session.pid

    def integrate(self, integrand: Expr, *, limit_seconds: float) -> Answer:
        """An antiderivative in x, or why there is none.

        The limit is on FriCAS' processor time; what a new process takes to start, if the last is gone, does not count.
        """
        self._renew()
        start = time.monotonic()
        outcome = self._outcome(integrand, self._session.deadline(limit_seconds))
        return Answer(
            engine=self.name,
            engine_version=self.version,
            status=outcome.status,
            reason=outcome.reason,
            seconds=time.monotonic() - start,
            antiderivative=outcome.antiderivative,
        )

    def close(self) -> None:
        """Kill the process."""
        self._session.close()

    def _renew(self) -> None:
        """Have a living process that is neither old nor fat, and in which nothing was cut off."""
        fat = self._session.resident_bytes() > _WORN_SHARE * self._memory_bytes
        old = self._answers >= ANSWERS_PER_PROCESS
        if fat or old or self._session.is_suspect or not self._session.alive:
            self._replace()
        self._answers += 1

    def _replace(self) -> None:
        self._session.close()
        self._session, self._answers = self._start(), 0

    def _outcome(self, integrand: Expr, deadline: Deadline) -> _Outcome:
        try:
            outcome = self._solve(to_fricas(integrand), deadline)
        except UnprintableError as error:
            return _Outcome(Status.ERROR, f"{error} has no name in FriCAS")
        except _RefusedError as error:
            return _refusal(str(error))
        except StoppedError as error:
            return _Outcome(error.status, str(error))
        except DiedError as error:
            return _Outcome(Status.CRASHED, f"FriCAS {error}")
        if outcome.status is Status.UNEVALUATED and integrand.has(Abs, sign):
            return _Outcome(
                Status.INCOMPLETE, "integral left standing, but Abs and sign are beyond the Risch procedure"
            )
        return outcome

    def _solve(self, integrand: str, deadline: Deadline) -> _Outcome:
        self._run(_FORGET, deadline)
        elementary = self._is_elementary(integrand, self._session.part(_DECISION_SHARE, deadline))
        if elementary is False:
            return _Outcome(Status.UNEVALUATED, _NO_RESULT)
        if elementary is None:
            seconds = self._session.seconds_left(deadline)
            self._replace()  # it was interrupted, and what comes next may be left unevaluated
            return self._real_form(integrand, self._session.deadline(seconds))
        special = special_functions(self._names("ratpart(result)", deadline))
        try:
            outcome = self._real_form(integrand, self._session.part(_REAL_FORM_SHARE, deadline), special)
        except (_RefusedError, StoppedError) as error:
            if not self._session.alive:
                raise
            outcome = _Outcome(Status.ERROR, str(error))
        return outcome if outcome.status is Status.SOLVED else self._sum_form(outcome.reason, deadline)

    def _is_elementary(self, integrand: str, deadline: Deadline) -> bool | None:
        """What the procedure says; None if it does not come to an end, as with sin(asin(x) - 1)."""
        try:
            self._run(_DECIDE.format(integrand=integrand), deadline)
        except StoppedError as error:
            if error.status is Status.TIMEOUT and self._session.alive:
                return None
            raise
        reply = self._run(_IS_ELEMENTARY, deadline)
        if reply not in ("T", "NIL"):
            raise _RefusedError(f"neither true nor false: {reply[:80]}")
        return reply == "T"

    def _real_form(self, integrand: str, deadline: Deadline, special: frozenset[str] = frozenset()) -> _Outcome:
        reason = "answered"
        self._run(_REAL_FORM.format(integrand=integrand), deadline)
        try:
            names = self._names("answer", deadline)
        except _RefusedError:  # a list: the form depends on the sign of a constant
            self._run(_FIRST_FORM, deadline)
            names = self._names("answer", deadline)
            reason = "the first of several real forms"
        if "integral" in names:
            return _Outcome(Status.UNEVALUATED, _NO_RESULT)
        if "rootOf" in names:
            return _Outcome(Status.ERROR, "roots of a polynomial are written out")
        if special and not special_functions(names):
            return _Outcome(Status.ERROR, f"{', '.join(sorted(special))} is lost")
        return self._written(reason, deadline)

    def _names(self, variable: str, deadline: Deadline) -> list[str]:
        """The functions in the value of a FriCAS expression."""
        return self._run(_FUNCTIONS.format(variable=variable), deadline).strip("()").split()

    def _sum_form(self, reason: str, deadline: Deadline) -> _Outcome:
        self._run(_SUM_FORM, deadline)
        return self._written(f"complex form, for the real one: {reason}", deadline)

    def _written(self, reason: str, deadline: Deadline) -> _Outcome:
        """The answer as text."""
        try:
            return _Outcome(Status.SOLVED, reason, from_fricas(self._run(_PRINT, deadline)))
        except UnreadableError as error:
            if special_functions([str(error)]):
                return _Outcome(Status.UNEVALUATED, f"Risch procedure completed: answered with {error}")
            return _Outcome(Status.ERROR, f"the answer holds {error}, which has no name in SymPy")

    def _run(self, command: str, deadline: Deadline) -> str:
        """FriCAS' reply to a command; raises _RefusedError if it is an error."""
        reply = self._session.ask(command, deadline=deadline)
        error = _ERROR.search(reply)
        if error:
            self._session.is_suspect |= "System error" in error[0]  # Lisp's: it came in the middle of something
            message = " ".join(next(filter(None, error.groups()), "").split())
            raise _RefusedError(message[:200] or "system error")
        return reply


def _refusal(message: str) -> _Outcome:
    """The outcome of an error, from what FriCAS says of it."""
    if _NOT_IMPLEMENTED.search(message):
        return _Outcome(Status.INCOMPLETE, message)
    if _OUT_OF_MEMORY.search(message):
        return _Outcome(Status.MEMORY, message)
    return _Outcome(Status.ERROR, message)
