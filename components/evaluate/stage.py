"""The stage: a model and a dataset in, an evaluation and its report out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from intclass.components.evaluate.arrays import Floats
from intclass.components.evaluate.asking import MODEL, ask, labels_of
from intclass.components.evaluate.assessment import Setting, assess
from intclass.components.evaluate.evaluation import FILE_NAME
from intclass.components.evaluate.further import Also, Further
from intclass.components.evaluate.gate import FILE_NAME as GATE_NAME
from intclass.components.evaluate.held_out import measure_held_out
from intclass.components.evaluate.metrics import Scored
from intclass.components.evaluate.mistakes import worst_mistakes
from intclass.components.evaluate.model_card import CARD_NAME, model_card
from intclass.components.evaluate.report import Sources, render_report
from intclass.components.evaluate.summary import render_summary
from intclass.components.evaluate.triage import triage_held_out
from intclass.components.finetune import Classifier
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, RecordsError
from intclass.components.shared.manifest import Manifest, is_complete, read_manifest, write_manifest
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
        probes: How many test functions are rewritten to see whether the answer changes; 0 leaves the probes out.
        margin: The lead in accuracy, as a share, over the best baseline and the served model, above which a model may
            be deployed; the lower end of the paired 95 % interval counts.
    """

    bootstrap: int = 1000
    seed: int = 0
    mistakes: int = 8
    probes: int = 500
    margin: float = 0.0

    def __post_init__(self) -> None:
        for name, least in (("bootstrap", MIN_RESAMPLES), ("seed", 0), ("mistakes", 0), ("probes", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least {least}")
        if not -1 < self.margin < 1:
            raise ConfigError(f"margin is {self.margin:g}; it is a difference of shares, such as 0.01 for one point")


_DEFAULT: Final = EvaluateConfig()
_NOTHING: Final = Also()


def evaluate(
    model: str | Path,
    dataset: str | Path,
    out: str | Path,
    config: EvaluateConfig = _DEFAULT,
    *,
    also: Also = _NOTHING,
) -> Manifest:
    """Measure the model on the dataset's test split, against baselines trained on its training split.

    Further test splits that the dataset holds out are measured too, each by itself, and what `also` names.
    Writes `metrics.json` (the whole `Evaluation`), `predictions.parquet` (records.PREDICTIONS), `summary.md`,
    `report.html`, `gate.md`, `model_card.md` and last the manifest into the folder `out`; returns the manifest, whose
    stats are numbers.

    Raises ConfigError if the model cannot be loaded or was trained for another target, RecordsError if the train or the
    test split lacks a class, StorageError if a folder is not there or cannot be written.
    """
    sources = Sources(
        model=read_manifest(model),
        dataset=_manifest(dataset),
        bootstrap=config.bootstrap,
        seed=config.seed,
        further=f" --probes {config.probes} --margin {config.margin:g}{also.spelled}",
    )
    examples: list[Row] = read_table(dataset, EXAMPLES).to_pylist()
    classifier = Classifier.load(model)
    _check_target(classifier.target, examples, dataset)
    train, test = (_both_classes(examples, split, classifier.labels) for split in ("train", "test"))
    held_out: dict[str, list[Row]] = {split: rows for split in HELD_OUT_SPLITS if (rows := _rows(examples, split))}
    further = Further.prepare(also, train, test, classifier, config=config, solved_within=_solved_within(sources))

    questions = {split: _prefixes(rows) for split, rows in {"test": test, **held_out}.items()} | further.questions
    answers = ask(classifier, train, questions, seed=config.seed)
    scored = {**_scored(answers["test"], test), **further.served}
    setting = Setting(
        target=classifier.target,
        labels=classifier.labels,
        model_name=Path(str(sources.model.config.get("base_model", model))).name,
        train_examples=len(train),
        trained_on_this_dataset=sources.dataset.fingerprint in sources.model.inputs.values(),
    )
    evaluation = replace(
        assess(scored, test, setting, bootstrap=config.bootstrap, seed=config.seed, margin=config.margin),
        held_out=tuple(
            measure_held_out(split, _scored(answers[split], rows), bootstrap=config.bootstrap, seed=config.seed)
            for split, rows in held_out.items()
        ),
        triage=triage_held_out(examples, classifier.predict_prefixes),
        **further.measure(answers),
    )
    predictions = _predictions(test, scored[MODEL], scored[evaluation.comparison.baseline])
    mistakes = worst_mistakes(predictions, evaluation.labels, count=config.mistakes)
    report = render_report(evaluation, sources, examples=examples, mistakes=mistakes)

    storage.write_text(storage.join(out, FILE_NAME), evaluation.to_json())
    storage.write_text(storage.join(out, SUMMARY_NAME), render_summary(evaluation))
    storage.write_text(storage.join(out, REPORT_NAME), report)
    storage.write_text(storage.join(out, GATE_NAME), evaluation.decision.to_markdown())
    storage.write_text(storage.join(out, CARD_NAME), model_card(evaluation, sources.model, sources.dataset))
    write_table(out, predictions, PREDICTIONS)
    return write_manifest(
        out,
        "evaluate",
        config=asdict(config),
        inputs={"model": sources.model.fingerprint, "dataset": sources.dataset.fingerprint, **further.inputs},
        counts={
            "test_examples": len(test),
            **{f"{split}_examples": len(rows) for split, rows in held_out.items()},
            "mistakes": int((~scored[MODEL].correct).sum()),
        },
        stats=evaluation.metrics,
    )


def _scored(answers: Mapping[str, Floats], rows: Sequence[Row]) -> dict[str, Scored]:
    labels = labels_of(rows)
    return {name: Scored(labels, each) for name, each in answers.items()}


def _solved_within(sources: Sources) -> float | None:
    """What `solved` means in the dataset, in seconds; None where its manifest does not say."""
    return sources.dataset.config.get("solved_within_seconds")


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
