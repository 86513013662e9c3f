"""The noise ceiling: how far a label agrees with the label that a second run of the engines gives.

No model can be expected to agree with the labels better than they agree with themselves. Engines work against a clock,
may err, and differ from what is known by construction; so a sample of the test split is integrated again, each function
as if it came from a file, and both labels are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.records import OUTCOMES, read_table
from intclass.components.shared.reliability import wilson_interval

MAX_LISTED: Final = 20

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A function that the second run labels otherwise: both labels, and why the second one."""

    integrand: str
    first: int
    second: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """What a second labelling of test functions gave.

    Attributes:
        functions: How many were labelled twice.
        undecided: Of how many the second run does not know the label; they are left out of the agreement.
        agreement: The share of the others with the same label twice, with its 95 % Wilson interval.
        disagreements: At most MAX_LISTED of those with two labels.
    """

    functions: int
    undecided: int
    agreement: Estimate
    disagreements: tuple[Disagreement, ...]

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of `dataclasses.asdict`."""
        return cls(
            **{
                **fields,
                "agreement": Estimate(**fields["agreement"]),
                "disagreements": tuple(Disagreement(**each) for each in fields["disagreements"]),
            }
        )


def measure_ceiling(
    examples: Iterable[Row], again: str | Path, *, target: str, solved_within_seconds: float | None = None
) -> Ceiling:
    """The agreement of examples with the outcomes of the same functions in the folder or Parquet file `again`.

    `solved_within_seconds` is what the target `solved` means in this dataset. Raises RecordsError if no function is in
    both, or if the second run decided none.
    """
    first = {row["fingerprint"]: row["label"] for row in examples}
    outcomes = [row for row in read_table(again, OUTCOMES).to_pylist() if row["fingerprint"] in first]
    second = [(row, _label(row, target, solved_within_seconds)) for row in outcomes]
    decided = [(row, label) for row, label in second if label is not None]
    if not decided:
        raise RecordsError(f"{again}: decides no function of the dataset: `intclass relabel DATASET --out DIR` does")
    differing = [(row, label) for row, label in decided if label != first[row["fingerprint"]]]
    same = len(decided) - len(differing)
    return Ceiling(
        functions=len(outcomes),
        undecided=len(outcomes) - len(decided),
        agreement=Estimate(same / len(decided), *wilson_interval(same, len(decided))),
        disagreements=_listed(differing, first),
    )


def _listed(differing: Sequence[tuple[Row, int]], first: Mapping[str, int]) -> tuple[Disagreement, ...]:
    return tuple(
        Disagreement(
            integrand=row["integrand"], first=first[row["fingerprint"]], second=label, reason=str(row["reason"])
        )
        for row, label in differing[:MAX_LISTED]
    )


def _label(outcome: Row, target: str, solved_within_seconds: float | None) -> int | None:
    """The class of an outcome, as the stage `dataset` has it; None if it has none."""
    if target == "elementary":
        return {"elementary": 1, "nonelementary": 0}.get(outcome["label"])
    asked = [answer for answer in outcome["answers"] if answer["engine"] == "sympy"]
    if not asked:
        return None
    assert solved_within_seconds is not None, "the target solved has a time"
    return int(any(each["status"] == "solved" and each["seconds"] <= solved_within_seconds for each in asked))
