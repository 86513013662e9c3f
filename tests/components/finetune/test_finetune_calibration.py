from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from intclass.components.finetune.calibration import Calibration, calibrate
from intclass.components.finetune.metrics import fit_temperature
from intclass.components.shared.errors import RecordsError

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(scale=2, size=(4000, 2))
LABELS = (RNG.random(4000) < 1 / (1 + np.exp(LOGITS[:, 0] - LOGITS[:, 1]))).astype(np.int64)


@pytest.mark.parametrize("factor", [0.3, 1.0, 4.0])
def test_the_factor_that_spoilt_the_logits_is_found(factor: float) -> None:
    assert fit_temperature(factor * LOGITS, LABELS) == pytest.approx(factor, rel=0.1)


def test_calibration_improves_likelihood_and_calibration_error() -> None:
    calibration = calibrate(5 * LOGITS, LABELS)
    assert calibration.nll_after < calibration.nll_before
    assert calibration.ece_after < 0.02 < calibration.ece_before


def test_one_class_says_nothing_about_the_temperature() -> None:
    assert fit_temperature(LOGITS, np.ones(4000, dtype=np.int64)) == 1


def test_separable_classes_do_not_ask_for_certainty() -> None:
    separable = (LOGITS[:, 1] > LOGITS[:, 0]).astype(np.int64)
    assert fit_temperature(LOGITS, separable) == pytest.approx(0.05, rel=0.01)


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    calibration = calibrate(LOGITS, LABELS)
    calibration.save(tmp_path)
    assert Calibration.load(tmp_path) == calibration


def test_something_else_is_no_calibration(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="no calibration"):
        Calibration.load(tmp_path)
    (tmp_path / "calibration.json").write_text('{"temperature": 2.0}')
    with pytest.raises(RecordsError, match="no calibration"):
        Calibration.load(tmp_path)


def test_it_records_how_often_the_scaled_probabilities_came_true() -> None:
    bins = calibrate(5 * LOGITS, LABELS).reliability
    assert sum(each.examples for each in bins) == len(LABELS)
    assert all(each.low <= each.mean_probability <= each.high for each in bins if 0.1 < each.mean_probability < 0.9)


def test_a_model_without_that_record_still_loads(tmp_path: Path) -> None:
    calibration = calibrate(LOGITS, LABELS)
    (tmp_path / "calibration.json").write_text(json.dumps(calibration.scalars))
    loaded = Calibration.load(tmp_path)
    assert (loaded.reliability, loaded.scalars) == ((), calibration.scalars)
