"""The evaluation as a value, and as `metrics.json`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.evaluate.ceiling import Ceiling
from intclass.components.evaluate.curves import Curve, Histogram, Roc
from intclass.components.evaluate.gate import Decision
from intclass.components.evaluate.groups import Group
from intclass.components.evaluate.held_out import HeldOut
from intclass.components.evaluate.outside import Outside
from intclass.components.evaluate.probes import Invariance, PairResult
from intclass.components.evaluate.significance import McNemar
from intclass.components.evaluate.triage import Triage
from intclass.components.shared import storage
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.reliability import ReliabilityBin

FILE_NAME: Final = "metrics.json"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One classifier, the model or a baseline, on the test split: every metric of `metrics.TITLES`, and its curves."""

    name: str
    title: str
    description: str
    metrics: Mapping[str, Estimate]
    roc: Roc
    coverage: Curve  # x: the share of examples answered, y: the accuracy on them
    reliability: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The model against the baseline with the best test accuracy (that choice favours the baseline)."""

    baseline: str
    accuracy_margin: Estimate  # model minus baseline, paired bootstrap
    auroc_margin: Estimate
    mcnemar: McNemar  # first: the model


@dataclass(frozen=True, kw_only=True)
class Probes:
    """What the probes found, by classifier.

    `exposed_pairs` counts the minimal pairs of which a function has a near-copy in training; `unexposed_pairs` is each
    classifier's share of the other pairs that is right, nan where there are none. Pairs are of the target `elementary`.
    """

    invariance: Mapping[str, tuple[Invariance, ...]]
    pairs: Mapping[str, PairResult]
    exposed_pairs: int = 0
    unexposed_pairs: Mapping[str, Estimate] = field(default_factory=dict)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of `dataclasses.asdict`."""
        return cls(
            invariance={
                name: tuple(Invariance.from_fields(each) for each in found)
                for name, found in fields["invariance"].items()
            },
            pairs={name: PairResult.from_fields(each) for name, each in fields["pairs"].items()},
            exposed_pairs=fields["exposed_pairs"],
            unexposed_pairs={name: Estimate(**each) for name, each in fields["unexposed_pairs"].items()},
        )


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A model on a test split, against baselines trained on the same training split.

    `labels` names class 0 and class 1; `confusion[i][j]` counts examples of true class i answered as class j.
    """

    target: str
    labels: tuple[str, str]
    train_examples: int
    test_examples: int
    test_positives: int
    trained_on_this_dataset: bool  # else the model may have seen test examples
    model: Result
    uncalibrated: Result  # the model before its temperature scaling
    baselines: tuple[Result, ...]
    comparison: Comparison
    confusion: tuple[tuple[int, int], tuple[int, int]]
    scores: Histogram
    groups: Mapping[str, tuple[Group, ...]]  # by what -> the groups
    held_out: tuple[HeldOut, ...] = ()  # the dataset's further test splits; all else is about the split `test`
    triage: Triage | None = None  # None where no solver's time is known
    probes: Probes | None = None
    outside: Outside | None = None  # None where no file was given
    ceiling: Ceiling | None = None  # None where no labels were made a second time
    gate: Decision | None = None

    @property
    def roc(self) -> Roc:
        """The model's ROC curve, at most 201 points, as KFP's ClassificationMetrics takes it."""
        return self.model.roc

    @property
    def majority_share(self) -> float:
        """The share of the test split's larger class."""
        share = self.test_positives / self.test_examples
        return max(share, 1 - share)

    @property
    def best_baseline(self) -> Result:
        """The baseline that `comparison` is against."""
        return next(result for result in self.baselines if result.name == self.comparison.baseline)

    @property
    def decision(self) -> Decision:
        """The gate's decision; every evaluation made by `evaluate` has one."""
        assert self.gate is not None, "made by `assess`"
        return self.gate

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers to log: the model's defined metrics, the accuracy's interval, and the comparison, by name."""
        numbers = {name: estimate.value for name, estimate in self.model.metrics.items()}
        accuracy = self.model.metrics["accuracy"]
        numbers |= {
            "accuracy_low": accuracy.low,
            "accuracy_high": accuracy.high,
            "best_baseline_accuracy": self.best_baseline.metrics["accuracy"].value,
            "best_baseline_auroc": self.best_baseline.metrics["auroc"].value,
            "accuracy_margin": self.comparison.accuracy_margin.value,
            "ece_uncalibrated": self.uncalibrated.metrics["ece"].value,
            "mcnemar_p_value": self.comparison.mcnemar.p_value,
            "majority_share": self.majority_share,
            "test_examples": float(self.test_examples),
        }
        for each in self.held_out:
            metrics = each.metrics[self.model.name]
            numbers |= {f"{each.split}_{name}": metrics[name].value for name in ("accuracy", "auroc")}
        if self.triage:
            numbers |= {"solver_time_saved": self.triage.saved, "solvable_lost": self.triage.lost}
        if self.probes:
            numbers |= {
                f"consistency_{each.name}": each.consistency.value for each in self.probes.invariance[self.model.name]
            }
            pairs = self.probes.pairs.get(self.model.name)
            numbers |= {"pair_accuracy": pairs.right.value, "pair_order": pairs.ordered.value} if pairs else {}
        if self.outside:
            metrics = self.outside.whole.metrics[self.model.name]
            numbers |= {f"outside_{name}": metrics[name].value for name in ("accuracy", "auroc")}
        if self.ceiling:
            numbers["label_agreement"] = self.ceiling.agreement.value
        if self.gate:
            numbers["deploy"] = float(self.gate.deploy)
        return {name: number for name, number in numbers.items() if not math.isnan(number)}

    def to_json(self) -> str:
        """The evaluation as JSON text; an undefined number is null."""
        return json.dumps(_nan_to_none(asdict(self)), indent=1, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Evaluation:
        """The inverse of `to_json`; raises ValueError, KeyError or TypeError if the text is something else."""
        fields = _none_to_nan(json.loads(text))
        comparison = fields["comparison"]
        return cls(
            **{
                **fields,
                "labels": tuple(fields["labels"]),
                "model": _result(fields["model"]),
                "uncalibrated": _result(fields["uncalibrated"]),
                "baselines": tuple(_result(each) for each in fields["baselines"]),
                "comparison": Comparison(
                    baseline=comparison["baseline"],
                    accuracy_margin=Estimate(**comparison["accuracy_margin"]),
                    auroc_margin=Estimate(**comparison["auroc_margin"]),
                    mcnemar=McNemar(**comparison["mcnemar"]),
                ),
                "confusion": tuple(tuple(row) for row in fields["confusion"]),
                "scores": Histogram(**{name: tuple(values) for name, values in fields["scores"].items()}),
                "groups": {by: tuple(Group(**each) for each in groups) for by, groups in fields["groups"].items()},
                **{
                    name: part.from_fields(fields[name]) if isinstance(fields.get(name), Mapping) else None
                    for name, part in _PARTS.items()
                },
                "held_out": tuple(HeldOut.from_fields(each) for each in fields.get("held_out", ())),
            }
        )


_PARTS: Final[Mapping[str, Any]] = {
    "triage": Triage,
    "probes": Probes,
    "outside": Outside,
    "ceiling": Ceiling,
    "gate": Decision,
}  # what an evaluation may lack


def load_evaluation(folder: str | Path) -> Evaluation:
    """The evaluation that a folder's `metrics.json` holds; raises StorageError, or RecordsError if it is not one."""
    path = storage.join(folder, FILE_NAME)
    text = storage.read_text(path)
    try:
        return Evaluation.from_json(text)
    except (ValueError, KeyError, TypeError) as error:
        raise RecordsError(f"{path}: not an evaluation: {error!r}") from error


def _result(fields: Mapping[str, Any]) -> Result:
    return Result(
        **{
            **fields,
            "metrics": {name: Estimate(**each) for name, each in fields["metrics"].items()},
            "roc": Roc(**{name: tuple(values) for name, values in fields["roc"].items()}),
            "coverage": Curve(**{name: tuple(values) for name, values in fields["coverage"].items()}),
            "reliability": tuple(ReliabilityBin(**each) for each in fields["reliability"]),
        }
    )


def _nan_to_none(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        return {key: _nan_to_none(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_nan_to_none(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _none_to_nan(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        return {key: _none_to_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_none_to_nan(each) for each in value]
    return math.nan if value is None else value
