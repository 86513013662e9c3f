"""What an evaluation may hold beyond the dataset's own test splits: probes, a file from outside, a second labelling."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self

import numpy as np

from intclass.components.evaluate.arrays import Floats
from intclass.components.evaluate.asking import UNCALIBRATED, Answers, labels_of
from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.evaluate.ceiling import Ceiling, measure_ceiling
from intclass.components.evaluate.evaluation import Probes
from intclass.components.evaluate.exposure import Exposure, find_exposure
from intclass.components.evaluate.gate import SERVED, served_probabilities
from intclass.components.evaluate.metrics import Scored
from intclass.components.evaluate.outside import OUTSIDE, OutsideFile, measure_outside, read_outside
from intclass.components.evaluate.probes import InvarianceProbe, PairProbe, PairResult
from intclass.components.finetune import Classifier
from intclass.components.shared import storage
from intclass.components.shared.manifest import is_complete, read_manifest
from intclass.components.shared.reliability import wilson_interval

INVARIANCE: Final = "invariance"
PAIRS: Final = "pairs"

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Also:
    """What a user gives beside the model and the dataset.

    Attributes:
        test: A CSV, TSV or JSONL file of integrands with their truth.
        relabelled: Outcomes of a second run of the engines on test functions (`intclass relabel`).
        served: The folder of the model that is served now, or of its evaluation.
    """

    test: str | Path | None = None
    relabelled: str | Path | None = None
    served: str | Path | None = None

    @property
    def spelled(self) -> str:
        """As options of the command, without the paths."""
        return "".join(f" --{name} {name.upper()}" for name, path in vars(self).items() if path is not None)


class Options(Protocol):
    """The options of an evaluation that matter here."""

    @property
    def bootstrap(self) -> int: ...  # noqa: D102
    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def probes(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Further:
    """All of it, read and checked: `questions` are what every classifier is asked besides, `measure` reads the answers.

    `served` holds the served model's scores on the test split, and `inputs` the fingerprints of what was read.
    """

    options: Options
    invariance: InvarianceProbe | None
    pairs: PairProbe | None
    pair_exposure: Sequence[Exposure]
    outside: OutsideFile | None
    outside_exposure: Sequence[Exposure]
    ceiling: Ceiling | None
    served: Mapping[str, Scored]
    inputs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def prepare(
        cls,
        also: Also,
        train: Sequence[Row],
        test: Sequence[Row],
        classifier: Classifier,
        *,
        config: Options,
        solved_within: float | None,
    ) -> Self:
        """Read what `also` names, and draw the probes from the test split."""
        target = classifier.target
        outside = read_outside(also.test, classifier.labels) if also.test is not None else None
        pairs = PairProbe() if config.probes and target == "elementary" else None
        asked = (pairs.prefixes if pairs else [], outside.prefixes if outside else [])
        exposure = find_exposure([*asked[0], *asked[1]], train)
        served = (
            {SERVED: Scored(labels_of(test), served_probabilities(also.served, test, target=target))}
            if also.served is not None
            else {}
        )
        return cls(
            options=config,
            invariance=InvarianceProbe(test, count=config.probes, seed=config.seed) if config.probes else None,
            pairs=pairs,
            pair_exposure=exposure[: len(asked[0])],
            outside=outside,
            outside_exposure=exposure[len(asked[0]) :],
            ceiling=(
                measure_ceiling(test, also.relabelled, target=target, solved_within_seconds=solved_within)
                if also.relabelled is not None
                else None
            ),
            served=served,
            inputs={name: _fingerprint(path) for name, path in vars(also).items() if path is not None},
        )

    @property
    def questions(self) -> dict[str, Sequence[str]]:
        """Lists of prefix words, by name."""
        asked = {INVARIANCE: self.invariance, PAIRS: self.pairs, OUTSIDE: self.outside}
        return {name: each.prefixes for name, each in asked.items() if each is not None}

    def measure(self, answers: Mapping[str, Answers]) -> dict[str, Any]:
        """The parts of an `Evaluation`, by name, from every classifier's answers to `questions`."""
        return {"probes": self._probes(answers), "outside": self._outside(answers), "ceiling": self.ceiling}

    def _probes(self, answers: Mapping[str, Answers]) -> Probes | None:
        if self.invariance is None:
            return None
        pairs, invariance = self.pairs, self.invariance
        results = {name: pairs.measure(each) for name, each in _deciding(answers[PAIRS])} if pairs else {}
        exposed = [each.exposed for each in self.pair_exposure]
        by_pair = np.reshape(exposed, (2, -1)).any(axis=0)
        return Probes(
            invariance={name: invariance.measure(each) for name, each in _deciding(answers[INVARIANCE])},
            pairs=results,
            exposed_pairs=int(by_pair.sum()),
            unexposed_pairs={name: _right(result, ~by_pair) for name, result in results.items()},
        )

    def _outside(self, answers: Mapping[str, Answers]) -> Any:  # noqa: ANN401
        if self.outside is None:
            return None
        return measure_outside(
            self.outside,
            answers[OUTSIDE],
            self.outside_exposure,
            bootstrap=self.options.bootstrap,
            seed=self.options.seed,
        )


def _deciding(answers: Answers) -> Iterator[tuple[str, Floats]]:
    """Without the model before its calibration, which decides as it does afterwards."""
    return ((name, each) for name, each in answers.items() if name != UNCALIBRATED)


def _right(result: PairResult, kept: Any) -> Estimate:  # noqa: ANN401
    """The share of the pairs kept that is right."""
    holds = [each.right for each, keep in zip(result.answers, kept, strict=True) if keep]
    if not holds:
        return Estimate(math.nan, math.nan, math.nan)
    return Estimate(sum(holds) / len(holds), *wilson_interval(sum(holds), len(holds)))


def _fingerprint(path: str | Path) -> str:
    """Of a stage's folder its own, of a file 16 hex digits of its SHA-256."""
    if is_complete(path):
        return read_manifest(path).fingerprint
    return hashlib.sha256(storage.read_bytes(path)).hexdigest()[:16]
