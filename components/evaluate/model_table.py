"""Several models, each trained with several seeds, and all baselines: one table, on the same test functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from intclass.components.evaluate.arrays import Floats
from intclass.components.evaluate.asking import ask_baselines, labels_of
from intclass.components.evaluate.baselines import BASELINES
from intclass.components.evaluate.metrics import TITLES, Scored, measure
from intclass.components.evaluate.probes import PairProbe
from intclass.components.evaluate.significance import McNemar, mcnemar
from intclass.components.finetune import Classifier, FinetuneConfig
from intclass.components.shared.errors import ConfigError, RecordsError
from intclass.components.shared.manifest import Manifest, read_manifest
from intclass.components.shared.records import EXAMPLES, HELD_OUT_SPLITS, SPLITS, read_table
from intclass.components.shared.subset import subset

PAIRS: Final = "pairs"
_NO_DIFFERENCE: Final = ("seed", "device", "checkpoint_every")  # options that make no other model

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A metric over seeds: its mean and the sample standard deviation, nan for a single seed."""

    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """The spread of at least one value."""
        numbers = np.array(list(values))
        return cls(mean=float(numbers.mean()), deviation=float(numbers.std(ddof=1)) if len(numbers) > 1 else np.nan)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table: a model or a baseline.

    `metrics` are those of metrics.TITLES on the split `test`; `accuracies` those on each further split, and on both
    functions of a minimal pair under PAIRS. `answers` are those of the first seed on the split `test`.
    """

    title: str
    parameters: int | None
    seeds: int
    metrics: Mapping[str, Spread]
    accuracies: Mapping[str, Spread]
    answers: Scored

    def beaten_by(self, other: Line) -> McNemar:
        """McNemar's test of the other's first seed against this one's."""
        return mcnemar(other.answers.correct, self.answers.correct)


@dataclass(frozen=True, kw_only=True)
class ModelTable:
    """The lines, models before baselines, each in falling accuracy, and what they were measured on."""

    models: tuple[Line, ...]
    baselines: tuple[Line, ...]
    target: str
    dataset: str  # its fingerprint
    train_examples: int
    test_examples: int
    splits: tuple[str, ...]  # the further ones


@dataclass(frozen=True, kw_only=True)
class _Trained:
    """A model folder that was opened: all seeds of one model have one `key`."""

    manifest: Manifest
    classifier: Classifier

    @property
    def key(self) -> str:
        return json.dumps([_options(self.manifest), dict(self.manifest.inputs)], sort_keys=True)


def compare_models(models: Sequence[str | Path], dataset: str | Path, *, seed: int = 0) -> ModelTable:
    """Measure the models in these folders, and the baselines, on the dataset's test splits.

    Models whose options differ in nothing but the seed are one line. `seed` is the baselines'. They learn from as many
    training examples as the models did, if these agree, else from all.
    Raises ConfigError for a model of another target or the same model twice, RecordsError or StorageError as reading
    does.
    """
    examples: list[Row] = read_table(dataset, EXAMPLES).to_pylist()
    rows: dict[str, list[Row]] = {split: [] for split in SPLITS}
    for row in examples:
        rows[row["split"]].append(row)
    if not rows["train"] or not rows["test"]:
        raise RecordsError(f"{dataset}: the train or the test split is empty: draw more functions")
    opened = [_open(folder, str(rows["test"][0]["target"])) for folder in models]
    if len({each.manifest.fingerprint for each in opened}) < len(opened):
        raise ConfigError("a model is given twice: give each seed of a model once")
    questions = _Questions(rows)
    train = _learnt_from(opened, rows["train"])
    groups: dict[str, list[_Trained]] = {}
    for each in opened:
        groups.setdefault(each.key, []).append(each)
    titles = _titles([group[0].manifest for group in groups.values()])
    answered = [
        questions.line(
            title,
            [each.classifier.predict_prefixes(questions.prefixes) for each in group],
            parameters=group[0].classifier.parameters,
        )
        for title, group in zip(titles, groups.values(), strict=True)
    ]
    titled = {baseline.name: baseline.title for baseline in BASELINES}
    baselines = [
        questions.line(titled[name], [answers]) for name, answers in ask_baselines(train, questions.prefixes, seed=seed)
    ]
    return ModelTable(
        models=_by_accuracy(answered),
        baselines=_by_accuracy(baselines),
        target=str(rows["test"][0]["target"]),
        dataset=read_manifest(dataset).fingerprint,
        train_examples=len(train),
        test_examples=len(rows["test"]),
        splits=tuple(split for split in HELD_OUT_SPLITS if rows[split]),
    )


class _Questions:
    """What every classifier is asked: all test splits, and for the target `elementary` the minimal pairs."""

    def __init__(self, rows: Mapping[str, Sequence[Row]]) -> None:
        self._rows: dict[str, Sequence[Row]] = {
            split: rows[split] for split in ("test", *HELD_OUT_SPLITS) if rows[split]
        }
        self._pairs = PairProbe() if rows["test"][0]["target"] == "elementary" else None
        asked = [[str(row["prefix"]) for row in each] for each in self._rows.values()]
        asked.append(self._pairs.prefixes if self._pairs else [])
        self.prefixes = [prefix for each in asked for prefix in each]
        self._ends = np.cumsum([len(each) for each in asked])[:-1]

    def line(self, title: str, answers: Sequence[Floats], *, parameters: int | None = None) -> Line:
        """The line of a classifier from the probabilities (n,) of `prefixes` by each of its seeds."""
        parts = [np.split(each, self._ends) for each in answers]
        scored = {
            split: [Scored(labels_of(rows), part[place]) for part in parts]
            for place, (split, rows) in enumerate(self._rows.items())
        }
        accuracies: dict[str, Spread] = {
            split: Spread.of(float(each.correct.mean()) for each in found)
            for split, found in scored.items()
            if split != "test"
        }
        if self._pairs:
            accuracies[PAIRS] = Spread.of(self._pairs.measure(part[-1]).right.value for part in parts)
        measured = [measure(each) for each in scored["test"]]
        return Line(
            title=title,
            parameters=parameters,
            seeds=len(answers),
            metrics={name: Spread.of(float(each[name][0]) for each in measured) for name in TITLES},
            accuracies=accuracies,
            answers=scored["test"][0],
        )


def _open(folder: str | Path, target: str) -> _Trained:
    opened = _Trained(manifest=read_manifest(folder), classifier=Classifier.load(folder))
    if opened.classifier.target != target:
        raise ConfigError(f"{folder}: predicts '{opened.classifier.target}', but the dataset is labelled by '{target}'")
    return opened


def _learnt_from(models: Sequence[_Trained], train: Sequence[Row]) -> Sequence[Row]:
    """The training examples of the models, all of them where they differ."""
    limits = {each.manifest.config.get("train_examples") for each in models}
    limit = limits.pop() if len(limits) == 1 else None
    return train if limit is None else [train[place] for place in subset(len(train), limit)]


def _titles(manifests: Sequence[Manifest]) -> list[str]:
    """The base model of each, with the options in which models of that base differ."""
    options = [_options(each) for each in manifests]
    bases = [Path(str(each.get("base_model", "model"))).name for each in options]
    titles = []
    for base, own in zip(bases, options, strict=True):
        alike = [each for each, other in zip(options, bases, strict=True) if other == base]
        differing = [name for name in sorted(own) if any(each.get(name) != own[name] for each in alike)]
        titles.append(", ".join([base, *(f"{name}={own[name]}" for name in differing)]))
    return titles


def _options(manifest: Manifest) -> dict[str, Any]:
    """What makes the model another one; an option that came after it had its default."""
    options = {**asdict(FinetuneConfig()), **manifest.config}
    return {name: value for name, value in options.items() if name not in _NO_DIFFERENCE}


def _by_accuracy(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda line: -line.metrics["accuracy"].mean))
