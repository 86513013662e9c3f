"""The stage: a model and a dataset in, an evaluation and its report out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.special import expit

from intclass.components.evaluate.arrays import Ints
from intclass.components.evaluate.assessment import MODEL, UNCALIBRATED, Setting, assess
from intclass.components.evaluate.baselines import BASELINES, fit_predict
from intclass.components.evaluate.evaluation import FILE_NAME
from intclass.components.evaluate.held_out import measure_held_out
from intclass.components.evaluate.metrics import Scored
from intclass.components.evaluate.mistakes import worst_mistakes
from intclass.components.evaluate.report import Sources, render_report
from intclass.components.evaluate.summary import render_summary
from intclass.components.evaluate.triage import triage_held_out
from intclass.components.finetune import Classifier
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, RecordsError
from intclass.components.shared.manifest import Manifest, is_complete, read_manifest, write_manifest
from intclass.components.shared.progress import Progress
from intclass.components.shared.records import EXAMPLES, HELD_OUT_SPLITS, PREDICTIONS, read_table, write_table

Row = Mapping[str, Any]

MIN_RESAMPLES: Final = 100
REPORT_NAME: Final = "report.html"
SUMMARY_NAME: Final = "summary.md"


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """How an evaluation is made.

    Attributes:
        bootstrap: Resamples of the test split behind each 95 % interval.
        seed: Of the resamples and of the baselines.
        mistakes: The most that the report shows, of each kind.
    """

    bootstrap: int = 1000
    seed: int = 0
    mistakes: int = 8

    def __post_init__(self) -> None:
        for name, least in (("bootstrap", MIN_RESAMPLES), ("seed", 0), ("mistakes", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least {least}")


_DEFAULT: Final = EvaluateConfig()


def evaluate(model: str | Path, dataset: str | Path, out: str | Path, config: EvaluateConfig = _DEFAULT) -> Manifest:
    """Measure the model on the dataset's test split, against baselines trained on its training split.

    Further test splits that the dataset holds out are measured too, each by itself.
    Writes `metrics.json` (the whole `Evaluation`), `predictions.parquet` (records.PREDICTIONS), `summary.md`,
    `report.html` and last the manifest into the folder `out`; returns the manifest, whose stats are numbers.

    Raises ConfigError if the model cannot be loaded or was trained for another target, RecordsError if the train or the
    test split lacks a class, StorageError if a folder is not there or cannot be written.
    """
    sources = Sources(
        model=read_manifest(model), dataset=_manifest(dataset), bootstrap=config.bootstrap, seed=config.seed
    )
    examples: list[Row] = read_table(dataset, EXAMPLES).to_pylist()
    classifier = Classifier.load(model)
    _check_target(classifier.target, examples, dataset)
    train, test = (_both_classes(examples, split, classifier.labels) for split in ("train", "test"))
    setting = Setting(
        target=classifier.target,
        labels=classifier.labels,
        model_name=Path(str(sources.model.config.get("base_model", model))).name,
        train_examples=len(train),
        trained_on_this_dataset=sources.dataset.fingerprint in sources.model.inputs.values(),
    )

    held_out: dict[str, list[Row]] = {split: rows for split in HELD_OUT_SPLITS if (rows := _rows(examples, split))}
    of_split = _scores(classifier, train, {"test": test, **held_out}, seed=config.seed)
    scored = of_split["test"]
    evaluation = replace(
        assess(scored, test, setting, bootstrap=config.bootstrap, seed=config.seed),
        held_out=tuple(
            measure_held_out(split, of_split[split], bootstrap=config.bootstrap, seed=config.seed) for split in held_out
        ),
        triage=triage_held_out(examples, classifier.predict_prefixes),
    )
    predictions = _predictions(test, scored[MODEL], scored[evaluation.comparison.baseline])
    mistakes = worst_mistakes(predictions, evaluation.labels, count=config.mistakes)
    report = render_report(evaluation, sources, examples=examples, mistakes=mistakes)

    storage.write_text(storage.join(out, FILE_NAME), evaluation.to_json())
    storage.write_text(storage.join(out, SUMMARY_NAME), render_summary(evaluation))
    storage.write_text(storage.join(out, REPORT_NAME), report)
    write_table(out, predictions, PREDICTIONS)
    return write_manifest(
        out,
        "evaluate",
        config=asdict(config),
        inputs={"model": sources.model.fingerprint, "dataset": sources.dataset.fingerprint},
        counts={
            "test_examples": len(test),
            **{f"{split}_examples": len(rows) for split, rows in held_out.items()},
            "mistakes": int((~scored[MODEL].correct).sum()),
        },
        stats=evaluation.metrics,
    )


def _scores(
    classifier: Classifier, train: Sequence[Row], tests: Mapping[str, Sequence[Row]], *, seed: int
) -> dict[str, dict[str, Scored]]:
    """Each test split as scored by the model, before its calibration too, and by every baseline."""
    test = [row for rows in tests.values() for row in rows]
    prefixes, labels = _prefixes(test), _labels(test)
    with Progress("evaluate", total=1 + len(BASELINES), unit="classifiers") as progress:
        logits = classifier.predict_logits(prefixes)
        scored = {
            MODEL: Scored(labels, classifier.predict_prefixes(prefixes)),
            UNCALIBRATED: Scored(labels, expit(logits[:, 1] - logits[:, 0])),
        }
        progress.update()
        for baseline in BASELINES:
            probabilities = fit_predict(baseline, _prefixes(train), _labels(train), prefixes, seed=seed)
            scored[baseline.name] = Scored(labels, probabilities)
            progress.update()
    ends = np.cumsum([len(rows) for rows in tests.values()]).tolist()
    places = {split: slice(end - len(tests[split]), end) for split, end in zip(tests, ends, strict=True)}
    return {
        split: {name: Scored(each.labels[place], each.probabilities[place]) for name, each in scored.items()}
        for split, place in places.items()
    }


def _predictions(test: Sequence[Row], model: Scored, baseline: Scored) -> list[dict[str, Any]]:
    """The rows of the predictions table, in the test split's order."""
    answers = {
        "label": model.labels.tolist(),
        "probability": model.probabilities.tolist(),
        "predicted": model.predicted.tolist(),
        "correct": model.correct.tolist(),
        "baseline_probability": baseline.probabilities.tolist(),
    }
    known = [name for name in PREDICTIONS.schema.names if name not in answers]
    return [
        {name: row[name] for name in known} | {name: values[place] for name, values in answers.items()}
        for place, row in enumerate(test)
    ]


def _check_target(target: str, examples: Sequence[Row], dataset: str | Path) -> None:
    for found in sorted({row["target"] for row in examples} - {target}):
        raise ConfigError(
            f"the model predicts '{target}', but {dataset} is labelled by '{found}': "
            f"build the dataset with --target {target}, or evaluate a model trained on it"
        )


def _both_classes(examples: Sequence[Row], split: str, labels: tuple[str, str]) -> list[Row]:
    """The split's rows; raises RecordsError if a class is missing, because then there is nothing to tell apart."""
    rows = _rows(examples, split)
    for label, name in enumerate(labels):
        if not any(row["label"] == label for row in rows):
            raise RecordsError(f"the {split} split has no '{name}' example among its {len(rows)}: draw more functions")
    return rows


def _rows(examples: Sequence[Row], split: str) -> list[Row]:
    return [row for row in examples if row["split"] == split]


def _manifest(folder: str | Path) -> Manifest:
    """The folder's manifest; a Parquet file by itself has none."""
    return read_manifest(folder) if is_complete(folder) else Manifest(stage="", program="unknown", config={})


def _prefixes(rows: Sequence[Row]) -> list[str]:
    return [row["prefix"] for row in rows]


def _labels(rows: Sequence[Row]) -> Ints:
    return np.array([row["label"] for row in rows], dtype=np.int64)
