"""The sentences on the page claim no more than is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from intclass.components.serve.page.answers import _finding
from intclass.components.serve.page.words import likeness, outcome, solver_note
from intclass.components.serve.solving import Solution
from intclass.components.shared.expressions import parse
from intclass.components.shared.reliability import ReliabilityBin
from intclass.components.shared.theorems import prove_nonelementary

FRICAS: dict[str, Any] = {"engine": "fricas", "engine_version": "fricas 1.3.8"}
CHECK = "derivative equal at 12 of 12 points (ball arithmetic, 128 bits)"
RISCH = "fricas 1.3.8: Risch procedure completed"


def _classifier(*bins: ReliabilityBin, target: str = "elementary") -> Any:
    return SimpleNamespace(target=target, calibration=SimpleNamespace(reliability=bins))


def _bin(mean: float, share: float, examples: int = 200) -> ReliabilityBin:
    return ReliabilityBin(
        examples=examples, mean_probability=mean, positive_share=share, low=share - 0.05, high=share + 0.05
    )


def test_the_record_is_that_of_the_nearest_ratings() -> None:
    classifier = _classifier(_bin(0.1, 0.12), _bin(0.5, 0.47), _bin(0.9, 0.88))
    record = likeness(0.8, classifier)
    assert record.sentence == "Of functions rated like this, 88 in 100 had an elementary antiderivative."
    assert "the 200 validation functions" in record.detail
    assert "between 83 and 93 in 100" in record.detail
    assert likeness(0.02, classifier).share == 0.12


def test_few_functions_are_counted_and_not_blown_up_to_a_hundred() -> None:
    record = likeness(0.5, _classifier(_bin(0.5, 0.25, examples=12)))
    assert record.sentence == "Of the 12 functions rated most like this, 3 had an elementary antiderivative."


def test_the_other_target_promises_no_more_than_it_measured() -> None:
    assert "integrated within the time limit" in likeness(0.5, _classifier(_bin(0.5, 0.5), target="solved")).sentence


def test_a_model_without_a_record_says_so() -> None:
    record = likeness(0.5, _classifier())
    assert "was not recorded" in record.sentence
    assert record.share is None


def test_an_antiderivative_comes_with_its_check() -> None:
    solution = Solution(
        label="elementary",
        reason="antiderivative: found by fricas",
        antiderivative="x**2/2",
        certificate=CHECK,
        verified=True,
        seconds=0.41,
        **FRICAS,
    )
    finding = outcome(solution, "elementary")
    assert finding.headline == "Integrated, and checked."
    assert finding.how == f"Found by FriCAS 1.3.8 in 0.4 s. The check: {CHECK}."
    assert finding.agreement == "The model had expected this."
    assert outcome(solution, "nonelementary").agreement == "The model had expected otherwise."
    assert outcome(solution, "solved").agreement == ""  # that label speaks of something else


@pytest.mark.parametrize(
    ("integrand", "theorem", "source"),
    [("exp(x^2)", "Liouville", "Rosenlicht"), ("sqrt(1+x^3)", "Chebyshev", "J. Math. Pures Appl.")],
)
def test_a_theorem_comes_with_its_source(integrand: str, theorem: str, source: str) -> None:
    proof = prove_nonelementary(parse(integrand))
    finding = outcome(
        Solution(label="nonelementary", reason=f"theorem: {proof}", certificate=str(proof), engine="theorems"), ""
    )
    assert theorem in finding.how
    assert proof is not None
    assert proof.argument in finding.how
    assert source in finding.source


def test_a_completed_procedure_is_a_proof_and_its_special_function_has_a_name() -> None:
    solution = Solution(
        label="nonelementary",
        reason="proved: fricas answers in Si",
        antiderivative="Si(x)",
        certificate=RISCH,
        verified=True,
        **FRICAS,
    )
    finding = outcome(solution, "nonelementary")
    assert "Risch" in finding.source
    assert "sine integral" in finding.special
    assert _finding(solution, "")["antiderivative"]["latex"] == r"\operatorname{Si}\left(x\right)"


def test_an_antiderivative_that_was_not_checked_is_not_shown() -> None:
    solution = Solution(
        label="nonelementary", reason="proved: ...", antiderivative="elliptic_f(x, -1)", certificate=RISCH, **FRICAS
    )
    finding = _finding(solution, "")
    assert (finding["antiderivative"], finding["special"]) == (None, "")


def test_a_very_long_antiderivative_stays_text() -> None:
    text = " + ".join(f"sin({number}*x)" for number in range(300))
    solution = Solution(
        label="elementary", reason="antiderivative: ...", antiderivative=text, certificate=CHECK, verified=True
    )
    assert _finding(solution, "")["antiderivative"] == {"mathml": None, "latex": None, "sympy": text}


def test_a_timeout_is_never_a_no() -> None:
    reason = (
        "timeout: fricas, killed at its limit of 2 s; special functions: sympy answers in erf, which proves nothing"
    )
    finding = outcome(Solution(label="unknown", reason=reason), "elementary")
    assert finding.headline == "Not decided."
    assert "FriCAS ran out of time, SymPy answered in functions that are not elementary." in finding.how
    assert "no evidence either way" in finding.how
    assert finding.agreement == ""


def test_a_deadline_is_told_in_a_sentence() -> None:
    finding = outcome(Solution(label="unknown", reason="timeout: no answer within 20 s"), "elementary")
    assert finding.how.startswith("No answer within 20 s. That is no evidence")


def test_a_server_that_cannot_solve_says_so() -> None:
    assert "predicts only" in solver_note((), 2.0)
    assert "FriCAS and SymPy may take 2 s each" in solver_note(("fricas", "sympy"), 2.0)
    broken = outcome(Solution(label="unknown", reason="error: the solver did not start"), "elementary")
    assert "could not be started" in broken.how
