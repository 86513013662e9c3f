"""Studies whose drivers and trials are killed: no finished trial is lost, none runs twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from optuna.trial import TrialState

from intclass.components.finetune import FinetuneConfig
from intclass.components.finetune.events import FILE_NAME
from intclass.components.shared.errors import ConfigError
from intclass.components.tune.config import TuneConfig
from intclass.components.tune.local import outcome_of
from intclass.components.tune.process import ProcessExecutor
from intclass.components.tune.reading import parse_space
from intclass.components.tune.study import Study
from tests.components.tune.drive import SPACE, QuickDriver, make_study

pytestmark = pytest.mark.timeout(900)

PATIENCE = 300  # seconds, on a machine that has much else to do
DRIVE = "from tests.components.tune.drive import main; main()"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


def start(folder: Path, *, trials: int = 10, pruner: str = "none") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", DRIVE, str(folder), str(trials), pruner], env=ENVIRONMENT)


def processes(study: Study) -> list[psutil.Process]:
    """Of the trials that are under way, those that have one."""
    found = []
    for trial in study.trials(TrialState.RUNNING):
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
            note = json.loads((study.folder_of(trial.number) / "process.json").read_text())
            found.append(psutil.Process(note["pid"]))
    return found


def finished(study: Study) -> dict[int, tuple[str, Any, Any]]:
    """Number, state, parameters and values of all trials, which must have ended."""
    trials = study.trials()
    assert all(trial.state.is_finished() for trial in trials)
    return {trial.number: (trial.state.name, trial.params, trial.values) for trial in trials}


def epochs_trained(study: Study, number: int) -> list[int]:
    return [int(line) for line in (study.folder_of(number) / "model" / "epochs.txt").read_text().split()]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[str, Any, Any]]:
    """How a study ends that nothing disturbs."""
    study = make_study(tmp_path_factory.mktemp("undisturbed"))
    QuickDriver(study, ProcessExecutor([{}, {}])).run()
    return finished(study)


def test_every_trial_ends_with_its_loss_and_its_curve(tmp_path: Path) -> None:
    study = make_study(tmp_path, trials=3)
    QuickDriver(study, ProcessExecutor([{}, {}])).run()
    outcome = outcome_of(study)
    assert [trial.state for trial in outcome.trials] == ["complete"] * 3
    for trial in outcome.trials:
        loss = (abs(float(trial.point["dropout"]) - 0.1) + 1) / 6
        assert trial.values == pytest.approx([loss])
        assert sorted(trial.curve) == [1, 2, 3, 4, 5, 6]
        assert trial.metrics["parameters"] == 1000
        assert trial.seconds > 0
    assert outcome.best.values == [min(trial.values[0] for trial in outcome.trials if trial.values)]


def test_a_driver_killed_again_and_again_loses_and_repeats_nothing(
    tmp_path: Path, undisturbed: Mapping[int, Any]
) -> None:
    study = make_study(tmp_path)
    for ended in (1, 4, 7):
        driver = start(tmp_path)
        end = time.monotonic() + PATIENCE
        while len(study.trials(TrialState.COMPLETE)) < ended:
            assert time.monotonic() < end
            assert driver.poll() is None
            time.sleep(0.02)
        driver.kill()
        driver.wait()
    assert start(tmp_path).wait(PATIENCE) == 0
    assert finished(study) == undisturbed
    for number in undisturbed:  # the trials outlived their drivers
        assert epochs_trained(study, number) == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
def test_trials_killed_at_random_go_on_where_they_were(tmp_path: Path, undisturbed: Mapping[int, Any]) -> None:
    study, rng, killed = make_study(tmp_path), random.Random(0), 0
    driver = start(tmp_path)
    while driver.poll() is None:
        trials = processes(study)
        if trials and killed < 8:
            with contextlib.suppress(psutil.NoSuchProcess):
                rng.choice(trials).kill()
                killed += 1
        time.sleep(0.15)
    assert (driver.returncode, killed) == (0, 8)
    assert finished(study) == undisturbed
    for number in undisturbed:
        assert set(epochs_trained(study, number)) == {1, 2, 3, 4, 5, 6}
    assert sum(trial.user_attrs.get("restarts", 0) for trial in study.trials()) >= 4


@pytest.mark.slow
def test_drivers_share_a_study_and_come_and_go(tmp_path: Path, undisturbed: Mapping[int, Any]) -> None:
    study = make_study(tmp_path)
    first, second = start(tmp_path), start(tmp_path)
    end = time.monotonic() + PATIENCE
    while len(study.trials(TrialState.RUNNING)) < 3:  # of which one alone follows two
        assert time.monotonic() < end
        assert (first.poll(), second.poll()) == (None, None)
        time.sleep(0.01)
    first.terminate()
    assert first.wait(PATIENCE) == 143
    assert second.wait(PATIENCE) == 0
    assert finished(study) == undisturbed
    assert all(Counter(epochs_trained(study, number))[6] == 1 for number in undisturbed)


def test_a_driver_that_is_stopped_stops_its_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, "EPOCH_SECONDS", "30")
    driver = start(tmp_path)
    study = make_study(tmp_path)
    while len(trials := processes(study)) < 2:
        assert driver.poll() is None
        time.sleep(0.05)
    driver.send_signal(signal.SIGINT)
    driver.wait(PATIENCE)
    assert not any(trial.is_running() for trial in trials)
    assert len(study.trials(TrialState.RUNNING)) == 2  # they stay in the study, for the next driver


@pytest.mark.parametrize(
    "pruner",
    ["asha", pytest.param("hyperband", marks=pytest.mark.slow), pytest.param("median", marks=pytest.mark.slow)],
)
def test_trials_that_do_badly_are_stopped(tmp_path: Path, pruner: str) -> None:
    study = make_study(tmp_path, trials=12, pruner=pruner, epochs=9)
    QuickDriver(study, ProcessExecutor([{}, {}])).run()
    stopped = study.trials(TrialState.PRUNED)
    assert stopped
    assert study.trials(TrialState.COMPLETE)
    for trial in stopped:
        assert list(trial.intermediate_values) == list(range(1, max(trial.intermediate_values) + 1))
        assert max(trial.intermediate_values) < 9
        events = study.folder_of(trial.number) / "model" / "measured" / FILE_NAME
        assert b"validation_loss" in events.read_bytes()


def test_a_trial_that_is_refused_fails_with_its_reason_and_too_many_end_the_study(tmp_path: Path) -> None:
    space = parse_space("dropout: [0.1, 0.99]", source="test")
    rules = TuneConfig(sampler="grid", pruner="none", trials=2, max_failed=1)
    study = Study(tmp_path / "borne", space, FinetuneConfig(epochs=2), rules, dataset="examples")
    QuickDriver(study, ProcessExecutor([{}])).run()
    [failed] = [trial for trial in outcome_of(study).trials if trial.state == "failed"]
    assert failed.error == "dropout is 0.99; give less"
    study = Study(
        tmp_path / "strict", space, FinetuneConfig(epochs=2), replace(rules, max_failed=0), dataset="examples"
    )
    with pytest.raises(ConfigError, match=r"1 trials failed.*dropout is 0.99"):
        QuickDriver(study, ProcessExecutor([{}])).run()


def test_options_that_do_not_go_together_fail_without_a_process(tmp_path: Path) -> None:
    space = parse_space("hidden_size: [16, 48]\nnum_heads: [2, 3]", source="test")
    rules = TuneConfig(sampler="grid", pruner="none", trials=4, max_failed=4)
    study = Study(tmp_path, space, FinetuneConfig(epochs=1), rules, dataset="examples")
    QuickDriver(study, ProcessExecutor([{}])).run()
    outcome = outcome_of(study)
    [failed] = [trial for trial in outcome.trials if trial.state == "failed"]
    assert failed.point == {"hidden_size": 16, "num_heads": 3}
    assert "multiple of 2 * num_heads" in failed.error


def test_a_trial_that_takes_too_long_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCH_SECONDS", "30")
    rules = TuneConfig(sampler="random", pruner="none", trials=1, trial_seconds=1)
    study = Study(tmp_path, SPACE, FinetuneConfig(epochs=2), rules, dataset="examples")
    QuickDriver(study, ProcessExecutor([{}])).run()
    [trial] = outcome_of(study).trials
    assert (trial.state, trial.error) == ("failed", "not done after 1 s")


def test_a_study_can_be_made_longer(tmp_path: Path) -> None:
    first = make_study(tmp_path, trials=2)
    QuickDriver(first, ProcessExecutor([{}])).run()
    before = finished(first)
    longer = make_study(tmp_path, trials=4)
    QuickDriver(longer, ProcessExecutor([{}])).run()
    assert finished(longer) == {**finished(longer), **before}
    assert len(finished(longer)) == 4
