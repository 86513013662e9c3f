"""Studies whose trials really train."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from intclass.components.finetune import FinetuneConfig
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.manifest import read_manifest
from intclass.components.tune import TuneConfig, publish, read_best, tune
from intclass.components.tune.reading import parse_space

SPACE = parse_space("learning_rate: {min: 1e-3, max: 1e-2, log: true}\ndropout: [0.0, 0.1]\n", source="test")
TINY = FinetuneConfig(epochs=4, hidden_size=16, num_layers=1, num_heads=2, batch_tokens=512)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_members_of_a_population_train_on_with_what_the_best_had_learnt(dataset: Path, tmp_path: Path) -> None:
    config = TuneConfig(sampler="pbt", pruner="none", population=4, interval=2, keep_models=True, parallel=2)
    manifest = tune(dataset, tmp_path / "study", SPACE, config, base=TINY)
    rows = pq.read_table(tmp_path / "study" / "trials.parquet").to_pylist()
    assert [row["state"] for row in rows] == ["complete"] * 8
    assert [row["last_epoch"] for row in rows] == [2] * 4 + [4] * 4
    worst = max(rows[:4], key=lambda row: float(row["validation_loss"]))["trial"]
    best = min(rows[:4], key=lambda row: float(row["validation_loss"]))["trial"]
    assert rows[4 + worst]["parent"] == best
    folder = tmp_path / "study" / "trials" / f"{4 + worst:04}"
    log = (folder / "log.txt").read_text()
    assert "epoch=2 " not in log  # it went on from the other's checkpoint
    assert "epoch=3 " in log
    model = read_manifest(folder / "model")
    assert model.config["learning_rate"] == pytest.approx(rows[4 + worst]["learning_rate"])
    assert manifest.stats["validation_loss"] == min(row["validation_loss"] for row in rows)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_by_command_has_a_front_a_report_and_tokens_made_once(dataset: Path, tmp_path: Path) -> None:
    study, space = tmp_path / "study", tmp_path / "space.yaml"
    space.write_text("hidden_size: [16, 32]\nlearning_rate: {min: 1e-3, max: 1e-2, log: true}\n")
    command = [sys.executable, "-m", "intclass.components.tune", str(dataset), "--out", str(study)]
    options = ["--space", str(space), "--sampler", "sobol", "--pruner", "none", "--trials", "4"]
    objectives = [f"--objective={name}" for name in ("validation_loss", "parameters", "latency_ms")]
    training = ["--epochs", "2", "--num-layers", "1", "--num-heads", "2"]
    done = subprocess.run(
        [*command, *options, *objectives, "--", *training],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "in trial" in done.stdout
    best = json.loads((study / "best.json").read_text())
    front = {each["trial"] for each in best["pareto_front"]}
    rows = pq.read_table(study / "trials.parquet").to_pylist()
    assert all(row["latency_ms"] > 0 for row in rows)
    kept = {row["trial"] for row in rows if (study / "trials" / f"{row['trial']:04}/model/model.safetensors").exists()}
    assert kept == front
    assert all((study / "trials" / f"{row['trial']:04}/model/measured").is_dir() for row in rows)
    assert "Pareto front" in (study / "report.html").read_text()
    assert set(read_manifest(study).files) == {"best.json", "report.html", "study.json", "trials.csv", "trials.parquet"}

    publish(study, tmp_path / "artifact", tmp_path / "page")
    assert read_best(tmp_path / "artifact") == best["options"]
    assert (tmp_path / "page").read_text() == (study / "report.html").read_text()


def test_a_study_here_needs_a_folder_here() -> None:
    with pytest.raises(ConfigError, match="--out DIR"):
        tune("examples", "gs://bucket/study", SPACE)


def test_what_finetune_would_refuse_is_refused_before_the_first_trial(tmp_path: Path) -> None:
    space = parse_space("hidden_size: [16, 17]", source="test")
    with pytest.raises(ConfigError, match="hidden_size is 17"):
        tune("examples", tmp_path, space, base=TINY)
