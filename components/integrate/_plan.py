"""How one function is labelled: which steps, in which order, and when to stop.

Engines are asked in the plan's order until the answers decide (see `_verdict`); every antiderivative is checked before
the next engine is asked; theorems are tried on what is left. Steps are yielded, so that the pool may run them anywhere
and interleave thousands of functions.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from intclass.components.integrate._elementary import Nature
from intclass.components.integrate._functions import Function
from intclass.components.integrate._tasks import Ending, Step
from intclass.components.integrate._verdict import CONSTRUCTION, THEOREMS, Finding, Verdict, decide, is_decided
from intclass.components.integrate._verify import Agreement, Verification
from intclass.components.integrate._worker import Fate
from intclass.components.integrate.engines import Answer, EngineEntry, Status
from intclass.components.shared.manifest import program_version

CHECK: Final = "check"  # the role that reads, checks and proves
READ_SECONDS: Final = 10.0
VERIFY_SECONDS: Final = 5.0
PROVE_EQUAL_SECONDS: Final = 2.0
PROVE_NONELEMENTARY_SECONDS: Final = 2.0
PROGRAM_ATTEMPTS: Final = 3  # an engine whose program was killed starts another one, and is asked again

_STATUS_OF: Final[Mapping[Fate, Status]] = {
    Fate.TIMEOUT: Status.TIMEOUT,
    Fate.MEMORY: Status.MEMORY,
    Fate.CRASHED: Status.CRASHED,
    Fate.ERROR: Status.ERROR,
}

Outcome = dict[str, Any]  # a row of records.OUTCOMES without its origin
Steps = Generator[Step, Ending, Outcome]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Who is asked, in which order and for how long.

    Attributes:
        versions: Each engine's version by its name, for the answers of workers that were killed.
        ask_all: Ask every engine even when an earlier one has decided.
        search_known: Ask the engines also about functions whose label is known by construction.
    """

    engines: Sequence[EngineEntry]
    versions: Mapping[str, str]
    limit_seconds: float
    ask_all: bool = False
    search_known: bool = False


def label(function: Function, plan: Plan) -> Steps:
    """The steps that label a function; returns its outcome."""
    work = _Labelling(function, plan)
    outcome = yield from work.run()
    return outcome


class _Labelling:
    """One function on its way through the plan."""

    def __init__(self, function: Function, plan: Plan) -> None:
        self._function = function
        self._plan = plan
        self._canonical, self._fingerprint = function.canonical, function.fingerprint
        self._findings: list[Finding] = []
        self._seconds = 0.0

    def run(self) -> Steps:
        """Read, ask, check, prove, decide."""
        unreadable = yield from self._read()
        if unreadable:
            return self._outcome(Verdict(label="unknown", reason=f"unparsable: {unreadable}"))
        known = None
        if self._function.label is not None:
            known = yield from self._check_construction()
        if known is None or self._plan.search_known:
            yield from self._ask_engines()
        return self._outcome(decide(self._findings) if known is None else known)

    def _ask_engines(self) -> Generator[Step, Ending, None]:
        for entry in self._plan.engines:
            finding = yield from self._ask(entry)
            self._findings.append(finding)
            if is_decided(self._findings) and not self._plan.ask_all:
                return
        if not is_decided(self._findings):
            yield from self._apply_theorems()

    def _do(self, step: str, *, seconds: float, **payload: str) -> Generator[Step, Ending, Ending]:
        """One step of the checking role."""
        content = {"step": step, "integrand": self._function.integrand, **payload}
        ending = yield Step(role=CHECK, payload=content, limit_seconds=seconds)
        self._seconds += ending.seconds
        return ending

    def _read(self) -> Generator[Step, Ending, str]:
        """Find the canonical form and the fingerprint; returns why the integrand cannot be read, or nothing."""
        if self._canonical is not None and self._fingerprint is not None:
            return ""
        ending = yield from self._do("read", seconds=READ_SECONDS)
        result = ending.result or {"error": f"{ending.fate}: {ending.reason}"}
        self._canonical, self._fingerprint = result.get("canonical"), result.get("fingerprint")
        return str(result.get("error", ""))

    def _ask(self, entry: EngineEntry) -> Generator[Step, Ending, Finding]:
        """Ask one engine and check what it found."""
        limit = self._plan.limit_seconds
        payload = {"integrand": self._function.integrand, "limit_seconds": limit}
        for _ in range(PROGRAM_ATTEMPTS):
            ending = yield Step(role=entry.name, payload=payload, limit_seconds=limit + entry.grace_seconds)
            self._seconds += ending.seconds
            answer = self._answer(entry, ending)
            if ending.result is None or answer.status is not Status.CRASHED:
                break
        return (yield from self._check(Finding(answer=answer, procedure=entry.procedure)))

    def _answer(self, entry: EngineEntry, ending: Ending) -> Answer:
        if ending.result is not None:
            return Answer(**{**ending.result, "status": Status(ending.result["status"])})
        return Answer(
            engine=entry.name,
            engine_version=self._plan.versions[entry.name],
            status=_STATUS_OF[ending.fate],
            reason=ending.reason,
            seconds=ending.seconds,
        )

    def _check(self, finding: Finding) -> Generator[Step, Ending, Finding]:
        """The finding with its antiderivative, if it has one, differentiated and compared with the integrand."""
        found = finding.answer.antiderivative
        if finding.answer.status is not Status.SOLVED or found is None:
            return finding
        ending = yield from self._do("verify", seconds=VERIFY_SECONDS, antiderivative=found)
        if ending.result is None:
            classified = yield from self._do("classify", seconds=READ_SECONDS, antiderivative=found)
            method = f"checking ended with {ending.fate}: {ending.reason}"
            verification = Verification(agreement=Agreement.UNDECIDED, method=method)
            return replace(finding, verification=verification, nature=_nature(classified.result)).judged()
        verification = _verification(ending.result)
        if verification.agreement is Agreement.UNDECIDED:
            exact = yield from self._do("prove_equal", seconds=PROVE_EQUAL_SECONDS, antiderivative=found)
            verification = _verification(exact.result) if exact.result else verification
        return replace(finding, verification=verification, nature=_nature(ending.result)).judged()

    def _apply_theorems(self) -> Generator[Step, Ending, None]:
        """Add a finding if a theorem proves that there is no elementary antiderivative."""
        ending = yield from self._do("prove_nonelementary", seconds=PROVE_NONELEMENTARY_SECONDS)
        proof = (ending.result or {}).get("proof")
        if proof is None:
            return
        answer = Answer(
            engine=THEOREMS,
            engine_version=program_version(),
            status=Status.UNEVALUATED,
            reason=proof,
            seconds=ending.seconds,
        )
        self._findings.append(Finding(answer=answer))

    def _check_construction(self) -> Generator[Step, Ending, Verdict]:
        """The label that the generator knew, its antiderivative checked if it gave one."""
        function = self._function
        assert function.label is not None
        answer = Answer(
            engine=CONSTRUCTION,
            engine_version=program_version(),
            status=Status.SOLVED if function.antiderivative else Status.UNEVALUATED,
            reason=f"known by construction ({function.generator})",
            seconds=0.0,
            antiderivative=function.antiderivative,
        )
        finding = yield from self._check(Finding(answer=answer))
        if finding.answer.status is Status.WRONG:
            return Verdict(label="unknown", reason=f"wrong: {CONSTRUCTION}, {finding.answer.reason}")
        return Verdict(
            label=function.label,  # type: ignore[arg-type] # read_functions lets no other in
            reason=f"construction: {function.generator}",
            certificate=function.certificate,
            answer=finding.answer,
            verified=finding.is_right,
        )

    def _outcome(self, verdict: Verdict) -> Outcome:
        decisive = verdict.answer
        return {
            "canonical": self._canonical,
            "fingerprint": self._fingerprint,
            "label": verdict.label,
            "reason": verdict.reason,
            "antiderivative": decisive.antiderivative if decisive else None,
            "certificate": verdict.certificate,
            "engine": decisive.engine if decisive else None,
            "engine_version": decisive.engine_version if decisive else None,
            "seconds": self._seconds,
            "verified": verdict.verified,
            "answers": [finding.answer.record() for finding in self._findings],
        }


def _verification(result: Mapping[str, Any]) -> Verification:
    record = result["verification"]
    return Verification(**{**record, "agreement": Agreement(record["agreement"])})


def _nature(result: Mapping[str, Any] | None) -> Nature | None:
    return None if result is None else Nature(**{name: tuple(names) for name, names in result["nature"].items()})
