from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from intclass.components.evaluate import load_evaluation
from intclass.components.evaluate.evaluation import Evaluation
from intclass.components.evaluate.metrics import TITLES, Scored
from intclass.components.shared.errors import RecordsError, StorageError


def test_json_gives_the_same_evaluation_back(evaluation: Evaluation, tmp_path: Path) -> None:
    (tmp_path / "metrics.json").write_text(evaluation.to_json())
    assert load_evaluation(tmp_path) == evaluation
    assert Evaluation.from_json(evaluation.to_json()).to_json() == evaluation.to_json()


def test_what_is_not_an_evaluation_is_refused_by_name(evaluation: Evaluation, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"metrics\.json: no such file"):
        load_evaluation(tmp_path)
    fields = json.loads(evaluation.to_json())
    del fields["comparison"]["mcnemar"]
    for text in ("{", "[]", "{}", json.dumps(fields)):
        (tmp_path / "metrics.json").write_text(text)
        with pytest.raises(RecordsError, match=r"metrics\.json: not an evaluation"):
            load_evaluation(tmp_path)


def test_numbers_to_log_are_finite_and_named(evaluation: Evaluation) -> None:
    assert evaluation.metrics.keys() >= TITLES.keys() | {"accuracy_low", "best_baseline_accuracy", "mcnemar_p_value"}
    assert all(math.isfinite(number) for number in evaluation.metrics.values())
    assert evaluation.metrics["accuracy_low"] < evaluation.metrics["accuracy"] < evaluation.metrics["accuracy_high"]


def test_confusion_roc_and_metrics_tell_one_story(evaluation: Evaluation, scored: dict[str, Scored]) -> None:
    (right_negative, wrong_negative), (wrong_positive, right_positive) = evaluation.confusion
    assert right_negative + wrong_negative + wrong_positive + right_positive == evaluation.test_examples == 200
    assert wrong_positive + right_positive == evaluation.test_positives
    assert evaluation.metrics["accuracy"] == pytest.approx((right_negative + right_positive) / 200)
    at_half = np.argmin(np.abs(np.array(evaluation.roc.thresholds) - 0.5))
    assert evaluation.roc.tpr[at_half] == pytest.approx(right_positive / evaluation.test_positives, abs=0.05)
    assert evaluation.majority_share == pytest.approx(
        max(scored["model"].labels.mean(), 1 - scored["model"].labels.mean())
    )


def test_the_best_baseline_is_the_one_with_the_best_accuracy(evaluation: Evaluation) -> None:
    accuracies = {result.name: result.metrics["accuracy"].value for result in evaluation.baselines}
    assert accuracies[evaluation.comparison.baseline] == max(accuracies.values())
    margin = evaluation.metrics["accuracy"] - max(accuracies.values())
    assert evaluation.comparison.accuracy_margin.value == pytest.approx(margin)
    disagreement = evaluation.comparison.mcnemar.only_first - evaluation.comparison.mcnemar.only_second
    assert disagreement / evaluation.test_examples == pytest.approx(margin)


def test_temperature_scaling_shows(evaluation: Evaluation) -> None:
    assert evaluation.uncalibrated.metrics["nll"].value > evaluation.model.metrics["nll"].value
    assert evaluation.uncalibrated.metrics["auroc"] == evaluation.model.metrics["auroc"]


def test_an_undefined_number_is_null_in_json_and_not_logged(evaluation: Evaluation) -> None:
    fields = json.loads(evaluation.to_json())
    fields["model"]["metrics"]["auroc"] = {"value": None, "low": None, "high": None}
    read = Evaluation.from_json(json.dumps(fields))
    assert math.isnan(read.model.metrics["auroc"].value)
    assert "auroc" not in read.metrics
    assert json.loads(read.to_json()) == fields
