"""From scores on a test split to the evaluation: the model beside its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from intclass.components.evaluate.asking import MODEL, UNCALIBRATED
from intclass.components.evaluate.baselines import BASELINES
from intclass.components.evaluate.bootstrap import Sampled, sample_metrics
from intclass.components.evaluate.curves import coverage_curve, roc, score_histogram
from intclass.components.evaluate.evaluation import Comparison, Evaluation, Result
from intclass.components.evaluate.gate import SERVED, SERVED_TITLE, decide
from intclass.components.evaluate.groups import measure_groups
from intclass.components.evaluate.metrics import Scored
from intclass.components.evaluate.phrases import in_sentence
from intclass.components.evaluate.significance import mcnemar
from intclass.components.shared.reliability import reliability


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What was measured: the task, the model's name, and how many examples the baselines were trained on."""

    target: str
    labels: tuple[str, str]
    model_name: str
    train_examples: int
    trained_on_this_dataset: bool


def assess(
    scored: Mapping[str, Scored],
    test: Sequence[Mapping[str, Any]],
    setting: Setting,
    *,
    bootstrap: int,
    seed: int,
    margin: float = 0.0,
) -> Evaluation:
    """The evaluation of MODEL; `scored` also holds UNCALIBRATED and every baseline by name, all on the rows `test`.

    `margin` is the lead that the gate wants over the best baseline and over SERVED, if `scored` holds that too.
    """
    sampled = sample_metrics(scored, replicates=bootstrap, seed=seed)
    model = scored[MODEL]
    best = max(BASELINES, key=lambda baseline: sampled[baseline.name].values["accuracy"])
    rival = best.name
    rivals = {rival: f"the best baseline, {in_sentence(best.title)}"} | (
        {SERVED: SERVED_TITLE} if SERVED in scored else {}
    )

    def result(name: str, title: str, description: str) -> Result:
        return _result(name, title, description, scored=scored[name], sampled=sampled[name])

    return Evaluation(
        target=setting.target,
        labels=setting.labels,
        train_examples=setting.train_examples,
        test_examples=len(test),
        test_positives=int(model.labels.sum()),
        trained_on_this_dataset=setting.trained_on_this_dataset,
        model=result(MODEL, f"Model ({setting.model_name})", "the model under evaluation"),
        uncalibrated=result(UNCALIBRATED, "Model, uncalibrated", "the model before its temperature scaling"),
        baselines=tuple(result(each.name, each.title, each.description) for each in BASELINES),
        comparison=Comparison(
            baseline=rival,
            accuracy_margin=sampled[MODEL].margin(sampled[rival], "accuracy"),
            auroc_margin=sampled[MODEL].margin(sampled[rival], "auroc"),
            mcnemar=mcnemar(model.correct, scored[rival].correct),
        ),
        confusion=_confusion(model),
        scores=score_histogram(model),
        gate=decide(scored, sampled, rivals, model=MODEL, margin=margin),
        groups=measure_groups(test, model_correct=model.correct, baseline_correct=scored[rival].correct),
    )


def _result(name: str, title: str, description: str, *, scored: Scored, sampled: Sampled) -> Result:
    return Result(
        name=name,
        title=title,
        description=description,
        metrics=sampled.estimates(),
        roc=roc(scored),
        coverage=coverage_curve(scored),
        reliability=reliability(scored.labels, scored.probabilities),
    )


def _confusion(scored: Scored) -> tuple[tuple[int, int], tuple[int, int]]:
    cells = np.bincount(2 * scored.labels + scored.predicted, minlength=4)
    return (int(cells[0]), int(cells[1])), (int(cells[2]), int(cells[3]))
