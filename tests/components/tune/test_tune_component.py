from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from intclass.components.tune import read_best
from intclass.components.tune.component import tune, tune_in_pods


@pytest.mark.parametrize("component", [tune, tune_in_pods])
def test_the_best_options_are_a_parameter_and_the_trials_artifacts(component: Any) -> None:
    outputs = component.component_spec.outputs
    assert outputs["Output"].type == "Dict"
    assert set(outputs) == {"Output", "trials", "report"}


def test_both_search_alike() -> None:
    here, there = (set(component.component_spec.inputs) for component in (tune, tune_in_pods))
    assert here - there == {"work_dir"}
    assert there - here == {"by", "gpus", "gpu_type", "queue", "run"}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_step_writes_its_artifacts_and_returns_the_best_options(dataset: Path, tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("hidden_size: [16, 24]\nlearning_rate: {min: 1e-3, max: 1e-2, log: true}\n")
    trials = SimpleNamespace(path=str(tmp_path / "trials"), metadata={})
    options = tune.python_func(
        examples=SimpleNamespace(path=str(dataset)),
        trials=trials,
        report=SimpleNamespace(path=str(tmp_path / "report")),
        space=str(space),
        sampler="random",
        pruner="none",
        num_trials=2,
        parallel=1,
        base_model="small",
        epochs=1,
        seed=0,
        work_dir=str(tmp_path / "work"),
    )
    assert set(options) == {"hidden_size", "learning_rate"}
    assert options == read_best(trials.path)
    assert trials.metadata["trials"] == 2
    assert (tmp_path / "report").read_text().startswith("<!doctype html>")
    assert (tmp_path / "trials" / "trials.parquet").exists()
