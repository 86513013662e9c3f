from __future__ import annotations

import pytest

from intclass.components.integrate._elementary import Nature
from intclass.components.integrate._verdict import THEOREMS, Finding, decide, is_decided
from intclass.components.integrate._verify import Agreement, Verification
from intclass.components.integrate.engines import Answer, Status

RISCH = "Risch procedure completed"
ELEMENTARY = Nature(special=(), flagged=())
FLAGGED = Nature(special=(), flagged=("Piecewise",))
SPECIAL = Nature(special=("erf",), flagged=())


def _answer(engine: str, status: Status, reason: str = "so it is") -> Answer:
    found = "x" if status is Status.SOLVED else None
    version = f"{engine} 1.0"
    return Answer(
        engine=engine, engine_version=version, status=status, reason=reason, seconds=0.1, antiderivative=found
    )


def _checked(engine: str, agreement: Agreement, nature: Nature | None, *, procedure: str | None = None) -> Finding:
    return Finding(
        answer=_answer(engine, Status.SOLVED),
        procedure=procedure,
        verification=Verification(agreement=agreement, method="the method"),
        nature=nature,
    ).judged()


def _negative(engine: str, status: Status, *, procedure: str | None = None) -> Finding:
    return Finding(answer=_answer(engine, status), procedure=procedure)


THEOREM = Finding(answer=_answer(THEOREMS, Status.UNEVALUATED, "Liouville 1835: no solution"))


@pytest.mark.parametrize("procedure", [RISCH, None])
def test_a_checked_elementary_antiderivative_is_a_proof(procedure: str | None) -> None:
    verdict = decide([_checked("any", Agreement.RIGHT, ELEMENTARY, procedure=procedure)])
    assert (verdict.label, verdict.verified, verdict.certificate) == ("elementary", True, "the method")
    assert verdict.reason == "antiderivative: found by any"
    assert verdict.answer is not None
    assert verdict.answer.antiderivative == "x"


def test_a_piecewise_antiderivative_is_flagged_in_the_reason() -> None:
    verdict = decide([_checked("any", Agreement.RIGHT, FLAGGED)])
    assert (verdict.label, verdict.reason) == ("elementary", "antiderivative: found by any, with Piecewise")


def test_a_completed_procedure_without_a_result_is_a_proof() -> None:
    verdict = decide([_negative("fricas", Status.UNEVALUATED, procedure=RISCH)])
    assert verdict.label == "nonelementary"
    assert verdict.certificate == "fricas 1.0: Risch procedure completed"
    assert not verdict.verified


@pytest.mark.parametrize(
    ("agreement", "label"),
    [
        (Agreement.RIGHT, "nonelementary"),
        (Agreement.ONE_BRANCH, "nonelementary"),
        (Agreement.UNDECIDED, "nonelementary"),
        (Agreement.WRONG, "unknown"),
    ],
)
def test_a_procedures_answer_in_special_functions_is_a_proof_unless_refuted(agreement: Agreement, label: str) -> None:
    verdict = decide([_checked("fricas", agreement, SPECIAL, procedure=RISCH)])
    assert verdict.label == label
    assert verdict.verified == (agreement is Agreement.RIGHT)


@pytest.mark.parametrize(
    ("finding", "reason"),
    [
        (_negative("sympy", Status.UNEVALUATED), "unevaluated: sympy, so it is"),
        (_checked("sympy", Agreement.RIGHT, SPECIAL), "special functions: sympy answers in erf, which proves nothing"),
        (_negative("sympy", Status.TIMEOUT), "timeout: sympy, so it is"),
        (_negative("sympy", Status.MEMORY), "memory: sympy, so it is"),
        (_negative("sympy", Status.CRASHED), "crashed: sympy, so it is"),
        (_negative("sympy", Status.ERROR), "error: sympy, so it is"),
        (_negative("fricas", Status.INCOMPLETE, procedure=RISCH), "incomplete: fricas, so it is"),
        (_negative("fricas", Status.TIMEOUT, procedure=RISCH), "timeout: fricas, so it is"),
        (_checked("sympy", Agreement.WRONG, ELEMENTARY), "wrong: sympy, the method"),
        (_checked("fricas", Agreement.WRONG, ELEMENTARY, procedure=RISCH), "wrong: fricas, the method"),
        (_checked("sympy", Agreement.UNDECIDED, ELEMENTARY), "unverified: sympy, the method"),
        (_checked("sympy", Agreement.UNDECIDED, None), "unverified: sympy, the method"),
        (
            _checked("fricas", Agreement.ONE_BRANCH, ELEMENTARY, procedure=RISCH),
            "unverified: fricas, true on one branch only: the method",
        ),
    ],
)
def test_nothing_else_decides(finding: Finding, reason: str) -> None:
    verdict = decide([finding])
    assert (verdict.label, verdict.reason, verdict.answer, verdict.verified) == ("unknown", reason, None, False)
    assert not is_decided([finding])


def test_a_theorem_decides_what_engines_could_not() -> None:
    verdict = decide([_negative("sympy", Status.TIMEOUT), THEOREM])
    assert (verdict.label, verdict.reason) == ("nonelementary", "theorem: Liouville 1835: no solution")
    assert verdict.certificate == "Liouville 1835: no solution"


def test_a_checked_antiderivative_outweighs_a_procedure() -> None:
    findings = [
        _negative("fricas", Status.UNEVALUATED, procedure=RISCH),
        _checked("sympy", Agreement.RIGHT, ELEMENTARY),
    ]
    assert decide(findings).label == "elementary"


def test_an_unknown_names_every_engine_the_first_one_first() -> None:
    findings = [_negative("fricas", Status.INCOMPLETE, procedure=RISCH), _negative("sympy", Status.TIMEOUT)]
    assert decide(findings).reason == "incomplete: fricas, so it is; timeout: sympy, so it is"


def test_without_answers_nothing_is_known() -> None:
    assert decide([]).label == "unknown"
