"""The gate: may this model be deployed?

It may if it is surely better than the best baseline, and than the model that is served now: on the same test functions
the lower end of the paired 95 % interval of its lead in accuracy must be above a margin. A margin below 0 lets pass
what is not much worse, which suits a model that is smaller or faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from intclass.components.evaluate.arrays import Floats
from intclass.components.evaluate.bootstrap import Estimate, Sampled
from intclass.components.evaluate.metrics import Scored
from intclass.components.evaluate.phrases import points_range
from intclass.components.evaluate.significance import McNemar, mcnemar
from intclass.components.finetune import Classifier
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.manifest import read_manifest
from intclass.components.shared.phrases import p_value, points
from intclass.components.shared.records import PREDICTIONS, read_table

SERVED: Final = "served"  # the served model's name among the classifiers
SERVED_TITLE: Final = "the model now served"
FILE_NAME: Final = "gate.md"

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """The model against one rival on the same test functions; `lead` is in accuracy, by paired bootstrap."""

    rival: str
    lead: Estimate
    mcnemar: McNemar  # first: the model
    passed: bool

    @property
    def sentence(self) -> str:
        """What came out, for a reader."""
        verdict = "ahead of" if self.passed else "not surely ahead of"
        return (
            f"{verdict} {self.rival}: {points(self.lead.value)} points of accuracy "
            f"({points_range(self.lead)}; McNemar {p_value(self.mcnemar.p_value)})"
        )


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether the model may be deployed, and why: its contests, and the margin by which it had to lead."""

    margin: float
    contests: tuple[Contest, ...]

    @property
    def deploy(self) -> bool:
        """Whether every contest was passed."""
        return all(contest.passed for contest in self.contests)

    @property
    def reason(self) -> str:
        """The decision in one line, for a log or a user interface."""
        deciding = self.contests if self.deploy else [each for each in self.contests if not each.passed]
        verdict = "deploy" if self.deploy else "do not deploy"
        return f"{verdict}: {'; '.join(each.sentence for each in deciding)}"

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of `dataclasses.asdict`."""
        contests = tuple(
            Contest(**{**each, "lead": Estimate(**each["lead"]), "mcnemar": McNemar(**each["mcnemar"])})
            for each in fields["contests"]
        )
        return cls(margin=fields["margin"], contests=contests)

    def to_markdown(self) -> str:
        """The decision for the user interface: what was asked of the model, and what came out."""
        verdict = "The model may be deployed" if self.deploy else "The model is not deployed"
        asked = (
            f"On the same test functions, the lower end of the 95 % interval of its lead in accuracy must be above "
            f"{points(self.margin)} points."
        )
        lines = [f"- {'passed' if each.passed else '**failed**'}: {each.sentence}" for each in self.contests]
        return "\n".join([f"# {verdict}", "", asked, "", *lines, ""])


def decide(
    scored: Mapping[str, Scored],
    sampled: Mapping[str, Sampled],
    rivals: Mapping[str, str],
    *,
    model: str,
    margin: float,
) -> Decision:
    """The decision on `model` from the test split's scores and their bootstrap, by the classifiers' names.

    `rivals` maps the name of each classifier to beat to its title.
    """

    def contest(name: str, title: str) -> Contest:
        lead = sampled[model].margin(sampled[name], "accuracy")
        return Contest(
            rival=title,
            lead=lead,
            mcnemar=mcnemar(scored[model].correct, scored[name].correct),
            passed=lead.low > margin,
        )

    return Decision(margin=margin, contests=tuple(contest(name, title) for name, title in rivals.items()))


def served_probabilities(served: str | Path, test: Sequence[Row], *, target: str) -> Floats:
    """What the served model says of the test rows, (n,): asked itself, or as its own evaluation has it.

    `served` is the folder of a model or of an evaluation. Raises ConfigError if it is neither, predicts another
    target, or was evaluated on other functions.
    """
    manifest = read_manifest(served)
    if manifest.stage == "evaluate":
        return _as_evaluated(served, test)
    if manifest.stage != "finetune":
        raise ConfigError(f"{served}: made by '{manifest.stage}'; give the folder of a model or of an evaluation")
    classifier = Classifier.load(served)
    if classifier.target != target:
        raise ConfigError(f"{served}: predicts '{classifier.target}', not '{target}': it cannot be compared")
    return classifier.predict_prefixes([row["prefix"] for row in test])


def _as_evaluated(evaluation: str | Path, test: Sequence[Row]) -> Floats:
    said = {
        (row["fingerprint"], row["label"]): row["probability"]
        for row in read_table(evaluation, PREDICTIONS).to_pylist()
    }
    keys = [(row["fingerprint"], row["label"]) for row in test]
    missing = sum(key not in said for key in keys)
    if missing:
        raise ConfigError(
            f"{evaluation}: does not answer {missing} of the {len(keys)} test functions: give the model's own folder"
        )
    return np.array([said[key] for key in keys])
