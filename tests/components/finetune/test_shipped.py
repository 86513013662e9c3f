"""The model that comes with the package."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

from intclass.components.finetune import Classifier
from intclass.components.shared.last_run import SHIPPED_MODEL
from intclass.components.shared.manifest import read_manifest
from intclass.components.shared.records import EXAMPLES, read_table
from intclass.pipelines.cli import app

DATASET = Path(__file__).parents[3] / "datasets" / "v1"
MAX_BYTES = 20 * 10**6
TRAINED_ON = "601b983dec80c42a"  # dataset version 1 when it had 26 rows more (datasets/README.md)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load(SHIPPED_MODEL)


def test_it_is_small_enough_to_come_along() -> None:
    assert sum(file.stat().st_size for file in SHIPPED_MODEL.iterdir()) < MAX_BYTES


def test_its_files_are_those_of_its_training() -> None:
    manifest = read_manifest(SHIPPED_MODEL)
    assert manifest.inputs["dataset"] in (TRAINED_ON, read_manifest(DATASET).fingerprint)
    for name, digest in manifest.files.items():
        if name != "README.md":  # the card with the results of the evaluation took its place
            assert hashlib.sha256((SHIPPED_MODEL / name).read_bytes()).hexdigest() == digest, name


@pytest.mark.parametrize("path", ["README.md", "config.json", "manifest.json", "calibration.json", "training.jsonl"])
def test_it_names_no_machine(path: str) -> None:
    text = (SHIPPED_MODEL / path).read_text()
    assert "/home/" not in text
    assert "/tmp/" not in text


def test_minimal_pairs_are_told_apart(classifier: Classifier) -> None:
    elementary = ["x*exp(x**2)", "log(x)/x", "x**2/sqrt(1 + x**3)", "x*cos(x)"]
    nonelementary = ["exp(x**2)", "1/log(x)", "1/sqrt(1 + x**3)", "cos(x)/x"]
    assert (classifier.predict(elementary) > 0.5).all()
    assert (classifier.predict(nonelementary) < 0.5).all()


def test_it_is_as_good_on_the_test_split_as_its_card_says(classifier: Classifier) -> None:
    rows = read_table(DATASET, EXAMPLES)
    test = rows.filter(pc.equal(rows["split"], "test")).select(["prefix", "label"]).to_pylist()[::40]
    right = (classifier.predict_prefixes([row["prefix"] for row in test]) > 0.5) == [row["label"] for row in test]
    assert right.mean() > 0.92


def test_predict_answers_with_it_where_no_model_is_named(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intclass.components.shared.last_run.user_state_path", lambda name: tmp_path / name)
    done = CliRunner().invoke(app, ["predict", "x*exp(x**2)"])
    assert done.exit_code == 0
    assert "comes with intclass" in done.stderr
    assert json.loads(done.stdout)["probability"] == pytest.approx(float(classifier.predict(["x*exp(x**2)"])[0]), 1e-4)
