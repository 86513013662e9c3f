"""What the engines' answers mean for the label.

| evidence | label |
|---|---|
| an antiderivative, elementary, whose derivative is the integrand | elementary, whoever found it |
| an engine with a decision procedure (FriCAS: Risch) completed it without a result | nonelementary |
| such an engine answered in functions that are not elementary, and the answer is not refuted | nonelementary |
| a theorem (Liouville, Chebyshev) | nonelementary |
| unevaluated, or special functions, by an engine that only tries (SymPy, giac) | unknown: a vote, no proof |
| an antiderivative whose derivative differs at every point (wrong) or at some (true on one branch) | unknown |
| an antiderivative that can be neither confirmed nor refuted | unknown |
| timeout, memory, crash, error, an incomplete implementation | unknown: never a "no" |

The first line that applies, from the top, decides: a checked antiderivative is a proof, and outweighs any procedure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from intclass.components.integrate._elementary import Nature
from intclass.components.integrate._verify import Agreement, Verification
from intclass.components.integrate.engines import Answer, Status
from intclass.components.shared.records import Label

THEOREMS: Final = "theorems"  # stands as an engine where a theorem decided
CONSTRUCTION: Final = "construction"  # and where the generator knew


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An engine's answer, with what checking it showed.

    Attributes:
        procedure: The decision procedure behind a negative answer of this engine, if it has one.
    """

    answer: Answer
    procedure: str | None = None
    verification: Verification | None = None
    nature: Nature | None = None

    @property
    def is_right(self) -> bool:
        """Whether it is an antiderivative that passed the check."""
        return self.verification is not None and self.verification.agreement is Agreement.RIGHT

    @property
    def is_special(self) -> bool:
        """Whether it is an answer in functions that are not elementary."""
        return self.nature is not None and not self.nature.is_elementary

    def judged(self) -> Finding:
        """The finding with the answer's status as checking changed it."""
        if self.verification is None or self.is_right:
            return self
        wrong = self.verification.agreement is Agreement.WRONG
        status = Status.WRONG if wrong else Status.UNVERIFIED
        branch = "true on one branch only: " if self.verification.agreement is Agreement.ONE_BRANCH else ""
        return replace(self, answer=replace(self.answer, status=status, reason=f"{branch}{self.verification.method}"))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A label with its reason (its kind stands before the colon) and evidence."""

    label: Label
    reason: str
    certificate: str | None = None
    answer: Answer | None = None  # the one that decided
    verified: bool = False


def decide(findings: Sequence[Finding]) -> Verdict:
    """The verdict on all findings, in the order in which the engines were asked."""
    for rule in (_elementary, _nonelementary):
        for finding in findings:
            verdict = rule(finding)
            if verdict is not None:
                return verdict
    return _unknown(findings)


def is_decided(findings: Sequence[Finding]) -> bool:
    """Whether no further engine need be asked."""
    return decide(findings).label != "unknown"


def _elementary(finding: Finding) -> Verdict | None:
    if not finding.is_right or finding.nature is None or finding.is_special:
        return None
    assert finding.verification is not None
    flags = f", with {', '.join(finding.nature.flagged)}" if finding.nature.flagged else ""
    return Verdict(
        label="elementary",
        reason=f"antiderivative: found by {finding.answer.engine}{flags}",
        certificate=finding.verification.method,
        answer=finding.answer,
        verified=True,
    )


def _nonelementary(finding: Finding) -> Verdict | None:
    answer = finding.answer
    if answer.engine == THEOREMS:
        return Verdict(
            label="nonelementary", reason=f"theorem: {answer.reason}", certificate=answer.reason, answer=answer
        )
    if finding.procedure is None:
        return None
    if answer.status is Status.UNEVALUATED:
        reason = f"proved: {answer.engine} ends without a result"
    elif finding.is_special and answer.status is not Status.WRONG:
        assert finding.nature is not None
        reason = f"proved: {answer.engine} answers in {', '.join(finding.nature.special)}"
    else:
        return None
    return Verdict(
        label="nonelementary",
        reason=reason,
        certificate=f"{answer.engine_version}: {finding.procedure}",
        answer=answer,
        verified=finding.is_right,
    )


def _unknown(findings: Sequence[Finding]) -> Verdict:
    """The reason is what each engine came to; the first engine's comes first and gives the kind."""
    return Verdict(label="unknown", reason="; ".join(map(_shortfall, findings)) or "no engine was asked")


def _shortfall(finding: Finding) -> str:
    answer = finding.answer
    if answer.status is Status.SOLVED:
        assert finding.nature is not None
        names = ", ".join(finding.nature.special)
        return f"special functions: {answer.engine} answers in {names}, which proves nothing"
    return f"{answer.status}: {answer.engine}, {answer.reason}"
