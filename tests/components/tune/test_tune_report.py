from __future__ import annotations

import json
import math
import random
from pathlib import Path

import pytest

from intclass.components.finetune import FinetuneConfig
from intclass.components.shared.errors import ConfigError
from intclass.components.tune.objectives import find_objectives
from intclass.components.tune.reading import parse_space
from intclass.components.tune.report import render_report
from intclass.components.tune.results import Outcome, Trial, best_summary, read_best, trials_table, write_results
from intclass.components.tune.space import configuration
from tests.page import Page

SPACE = parse_space(
    "learning_rate: {min: 1e-4, max: 1e-2, log: true}\n"
    "optimizer: [adamw, sgd]\n"
    "weight_decay: {min: 0.0, max: 0.3, step: 0.1, when: {optimizer: adamw}}\n",
    source="test",
)


def outcome(*objectives: str, trials: int = 12) -> Outcome:
    """A study that was never run: every third trial was stopped, the fourth failed."""
    rng, made = random.Random(0), []
    for number in range(trials):
        point = SPACE.point(lambda parameter: parameter.domain.at(rng.random()))
        curve = {epoch: 0.3 + math.exp(-epoch) + rng.random() / 10 for epoch in range(1, 9)}
        state = "failed" if number == 4 else "pruned" if number % 3 == 2 else "complete"
        complete = state == "complete"
        values = [min(curve.values()), 1000.0 * rng.random()][: len(objectives)] if complete else None
        shown = curve if complete else {1: curve[1]} if state == "pruned" else {}
        error = "it <b>diverged</b>" if state == "failed" else ""
        made.append(
            Trial(number=number, state=state, point=point, values=values, curve=shown, seconds=60.0, error=error)
        )
    return Outcome(
        title="tpe",
        space=SPACE,
        goals=find_objectives(objectives),
        trials=made,
        importances={"learning_rate": 0.75, "optimizer": 0.25},
    )


def test_the_page_is_whole_and_needs_no_network() -> None:
    page = Page(render_report(outcome("validation_loss"), dataset="examples"))
    assert page.open == []
    assert not page.all("script")
    assert not [attributes for tag, attributes in page.tags if "src" in attributes or tag == "link"]
    assert len(page.all("figure")) == 4
    assert len(page.all("tr")) == 1 + 12 + 1 + 1
    text = " ".join(page.words)
    best = outcome("validation_loss").best
    assert f"Trial {best.number} is the best of 12" in text
    assert "it <b>diverged</b>" in text  # as text, not as markup


def test_two_objectives_have_a_front() -> None:
    study = outcome("validation_loss", "parameters")
    assert len(Page(render_report(study, dataset="examples")).all("figure")) == 5
    assert 1 < len(study.front) < len(study.complete)
    assert [each["trial"] for each in best_summary(study)["pareto_front"]] == [trial.number for trial in study.front]


def test_a_study_of_one_trial_has_a_page_too() -> None:
    page = Page(render_report(outcome("validation_loss", trials=1), dataset="examples"))
    assert page.open == []


def test_without_a_complete_trial_the_last_reason_is_told() -> None:
    study = outcome("validation_loss")
    unfinished = [trial for trial in study.trials if trial.values is None]
    failed = Outcome(title="", space=SPACE, goals=study.goals, trials=unfinished)
    with pytest.raises(ConfigError, match="no trial came to its end; the last failure: it <b>diverged</b>"):
        _ = failed.best


def test_the_table_has_a_row_for_each_trial_and_a_column_for_each_parameter(tmp_path: Path) -> None:
    study = outcome("validation_loss")
    table = trials_table(study)
    assert table.num_rows == 12
    rows = table.to_pylist()
    assert {row["state"] for row in rows} == {"complete", "pruned", "failed"}
    assert all((row["weight_decay"] is None) == (row["optimizer"] == "sgd") for row in rows)
    best = write_results(study, FinetuneConfig(epochs=3), tmp_path, report="page")
    assert best == dict(study.best.point) == read_best(tmp_path)
    options = json.loads((tmp_path / "best.json").read_text())["finetune"]
    assert FinetuneConfig(**options) == configuration(FinetuneConfig(epochs=3), best)
    assert (tmp_path / "trials.csv").read_text().startswith('"trial","state","validation_loss","learning_rate"')
