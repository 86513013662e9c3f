"""What the model's record and the algebra's finding mean, in sentences that claim no more than is known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from intclass.components.finetune import Classifier
from intclass.components.serve.solving import Solution
from intclass.components.shared.phrases import count
from intclass.components.shared.reliability import ReliabilityBin

_CAME_TRUE: Final = {
    "elementary": "had an elementary antiderivative",
    "solved": "were integrated within the time limit",
}
_FEW: Final = 50
_NO_RECORD: Final = (
    "How often such ratings come true was not recorded with this model; `intclass evaluate` measures it."
)
_ENGINES: Final = {"fricas": "FriCAS", "sympy": "SymPy", "giac": "Giac"}
_SPECIAL: Final = {
    "Chi": "hyperbolic cosine integral",
    "Ci": "cosine integral",
    "Ei": "exponential integral",
    "Shi": "hyperbolic sine integral",
    "Si": "sine integral",
    "elliptic_e": "elliptic integral of the second kind",
    "elliptic_f": "elliptic integral of the first kind",
    "elliptic_pi": "elliptic integral of the third kind",
    "erf": "error function",
    "erfi": "imaginary error function",
    "fresnelc": "Fresnel integral C",
    "fresnels": "Fresnel integral S",
    "gamma": "gamma function",
    "li": "logarithmic integral",
    "polylog": "polylogarithm",
    "uppergamma": "incomplete gamma function",
}
_SOURCES: Final = {
    "Liouville 1835": (
        (
            "Liouville's theorem: a rational function times an exponential, a sine or a cosine has an elementary "
            "antiderivative exactly if a certain equation has a rational solution y."
        ),
        "J. Liouville, 1835; see M. Rosenlicht, “Integration in Finite Terms”, Amer. Math. Monthly 79 (1972)",
    ),
    "Chebyshev 1853": (
        (
            "Chebyshev's theorem: x^m·(a + b·x^n)^p has an elementary antiderivative exactly if p, (m + 1)/n or their "
            "sum is an integer."
        ),
        "P. L. Chebyshev, “Sur l'intégration des différentielles irrationnelles”, J. Math. Pures Appl. 18 (1853)",
    ),
}
_SHORTFALLS: Final = {
    "timeout": "ran out of time",
    "memory": "ran out of memory",
    "unevaluated": "left the integral as it is",
    "special functions": "answered in functions that are not elementary",
    "incomplete": "met a case that it does not implement",
    "unverified": "gave an answer that could not be checked",
    "wrong": "gave an answer that the check refuted",
}
_RISCH: Final = (
    "R. H. Risch, “The Problem of Integration in Finite Terms”, Trans. Amer. Math. Soc. 139 (1969), as FriCAS "
    "implements it; M. Bronstein, “Symbolic Integration I”, Springer (2005)"
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """How often ratings like this one came true: `sentence` is for all, `detail` for those who ask how it is known."""

    sentence: str
    detail: str
    share: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The algebra's word: a headline, how it is known, where that is written, and how the model's word compares."""

    headline: str
    how: str
    source: str
    special: str
    agreement: str


def likeness(probability: float, classifier: Classifier) -> Record:
    """The model's record on the validation functions whose ratings were nearest to this probability."""
    bins = classifier.calibration.reliability
    if not bins:
        return Record(sentence=_NO_RECORD, detail="")
    nearest = min(bins, key=lambda each: abs(each.mean_probability - probability))
    low, high = (round(100 * share) for share in (nearest.low, nearest.high))
    return Record(
        sentence=f"Of {_counted(nearest)} {_CAME_TRUE[classifier.target]}.",
        detail=f"Counted on the {count(nearest.examples)} validation functions whose ratings were nearest "
        f"({100 * nearest.mean_probability:.0f} % on average); the true share lies between {low} and {high} in 100 "
        "(95 % interval). All are random functions like those the model learnt from; yours may be of another kind.",
        share=nearest.positive_share,
        low=nearest.low,
        high=nearest.high,
    )


def _counted(each: ReliabilityBin) -> str:
    """How many came true, in 100 where so many were counted that this says no more than is known."""
    if each.examples < _FEW:
        return f"the {each.examples} functions rated most like this, {round(each.examples * each.positive_share)}"
    return f"functions rated like this, {round(100 * each.positive_share)} in 100"


def outcome(solution: Solution, said: str) -> Finding:
    """What the algebra found, and whether the model had said so."""
    headline, how, source = _told(solution)
    decided = solution.label != "unknown" and said in ("elementary", "nonelementary")
    agreement = ""
    if decided:
        agreement = "The model had expected this." if said == solution.label else "The model had expected otherwise."
    return Finding(headline=headline, how=how, source=source, special=_special(solution), agreement=agreement)


def solver_note(engines: Sequence[str], seconds: float) -> str:
    """Who is asked to integrate, and what that cannot do."""
    if not engines:
        return "This server predicts only: it was started without solvers."
    asked = " and ".join(_ENGINES.get(name, name) for name in engines)
    each = " each" if len(engines) > 1 else ""
    note = f"{asked} may take {seconds:g} s{each}. Every antiderivative is differentiated and compared."
    return note if "fricas" in engines else f"{note} Without FriCAS only few integrals can be proved impossible."


def _told(solution: Solution) -> tuple[str, str, str]:
    """Headline, how it is known, and its source."""
    if solution.label == "elementary":
        how = f"Found by {_engine(solution)} in {max(solution.seconds, 0.1):.1f} s. The check: {solution.certificate}."
        return "Integrated, and checked.", how, ""
    if solution.label == "nonelementary":
        return "It has no elementary antiderivative.", *_proof(solution)
    if solution.reason.startswith("error"):
        how = "The solvers could not be started; the server's log says why. Predictions do not need them."
        return "Not decided.", how, ""
    how = f"{_shortfalls(solution.reason)} That is no evidence either way: running out of time is never a “no”."
    return "Not decided.", how, ""


def _proof(solution: Solution) -> tuple[str, str]:
    theorem, _, argument = (solution.certificate or "").partition(": ")
    if theorem in _SOURCES:
        law, source = _SOURCES[theorem]
        return f"{law} Here: {argument}.", source
    end = "ended without one" if solution.antiderivative is None else "ended in a function that is not elementary"
    how = f"{_engine(solution)} completed the Risch procedure, which finds an elementary antiderivative if there is one"
    return f"{how}; it {end}.", _RISCH


def _special(solution: Solution) -> str:
    """What an antiderivative is called that is not elementary."""
    if solution.label != "nonelementary" or not solution.antiderivative or not solution.verified:
        return ""
    known = [_SPECIAL[name] for name in _SPECIAL if re.search(rf"\b{name}\(", solution.antiderivative)]
    named = f" (the {' and the '.join(known)})" if known else ""
    return f"With a function that is not elementary{named} there is one, checked by differentiating it:"


def _engine(solution: Solution) -> str:
    name, _, version = (solution.engine_version or solution.engine or "an engine").partition(" ")
    return f"{_ENGINES.get(name, name)} {version}".strip()


def _shortfalls(reason: str) -> str:
    """`timeout: fricas, killed; unevaluated: sympy, ...` in words: what each engine came to."""
    told = []
    for part in reason.split("; "):
        kind, _, rest = part.partition(": ")
        name = re.split("[ ,]", rest)[0]
        if name in _ENGINES:
            told.append(f"{_ENGINES[name]} {_SHORTFALLS.get(kind, 'stopped with an error')}")
    if told:
        return f"{', '.join(told)}."
    words = reason.partition(": ")[2] or reason
    return f"{words[0].upper()}{words[1:]}."
