"""Studies whose trials are Jobs: drivers and pods come and go, the study stays. Most of these trials train nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from optuna.trial import TrialState

from intclass.components.finetune import FinetuneConfig
from intclass.components.shared import storage
from intclass.components.shared.errors import ClusterError, ConfigError
from intclass.components.shared.kube import reap
from intclass.components.shared.kube.connection import Patience, connect
from intclass.components.tune import ClusterConfig, TuneConfig, read_best, tune
from intclass.components.tune.bucket import TakenOverError
from intclass.components.tune.jobs import JobExecutor, open_executor
from intclass.components.tune.reading import parse_space
from intclass.components.tune.study import Study
from tests.cluster import Cluster
from tests.cluster.cluster import NAMESPACE
from tests.cluster.resources import JOBS, PODS, WORKFLOWS
from tests.components.tune.drive import SPACE, QuickDriver, make_study
from tests.components.tune.test_driver import ENVIRONMENT, epochs_trained, finished

PATIENCE = 600  # seconds, on a machine that has much else to do
DRIVE = "from tests.components.tune.drive import main_with_jobs; main_with_jobs()"

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    environment = {"OMP_NUM_THREADS": "1"}
    environment |= {name: os.environ[name] for name in ("STORAGE_EMULATOR_HOST",) if name in os.environ}
    with Cluster(tmp_path / "cluster", environment=environment) as running:
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig))
        # Which the client reads when it is imported.
        monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(running.kubeconfig))
        yield running


@pytest.fixture
def executor(cluster: Cluster, tmp_path: Path) -> Iterator[JobExecutor]:
    rules = TuneConfig(parallel=2, max_restarts=2)
    with open_executor("examples", str(tmp_path / "study"), rules, ClusterConfig(), run="run-1") as opened:
        yield opened


def start(folder: Path, *, trials: int, pruner: str = "none") -> subprocess.Popen[bytes]:
    environment = {**ENVIRONMENT, "KUBECONFIG": os.environ["KUBECONFIG"]}
    return subprocess.Popen([sys.executable, "-c", DRIVE, str(folder), str(trials), pruner], env=environment)


def wait_for(condition: Callable[[], bool], *drivers: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        assert all(driver.poll() is None for driver in drivers)
        time.sleep(0.05)


def test_trials_that_do_badly_are_stopped_and_their_jobs_are_gone(
    cluster: Cluster, executor: JobExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor, "step_seconds", 0.2)
    study = make_study(tmp_path / "study", trials=6, pruner="asha", epochs=60)  # longer than it takes to be stopped
    QuickDriver(study, executor).run()
    assert study.trials(TrialState.PRUNED)
    assert study.trials(TrialState.COMPLETE)
    for trial in study.trials():
        log = next(study.folder_of(trial.number).glob("log-*.txt")).read_text()
        assert log.startswith("parameters=1000 starts=0\nepoch=1 ")
        stopped = trial.state == TrialState.PRUNED
        assert (max(epochs_trained(study, trial.number)) < 60) == stopped
    assert not cluster.store.all(JOBS)
    cluster.wait_for(lambda: not cluster.store.all(PODS))


@pytest.mark.slow
def test_a_driver_killed_again_and_again_loses_and_repeats_nothing(cluster: Cluster, tmp_path: Path) -> None:
    study = make_study(tmp_path / "study", trials=6)
    for ended in (1, 3):
        driver = start(tmp_path / "study", trials=6)
        wait_for(lambda ended=ended: len(study.trials(TrialState.COMPLETE)) >= ended, driver)  # type: ignore[misc]
        driver.kill()
        driver.wait()
    assert start(tmp_path / "study", trials=6).wait(PATIENCE) == 0
    alone = make_study(tmp_path / "alone", trials=6)
    for trial in finished(study):
        assert finished(study)[trial][2] == pytest.approx([(abs(study.point(trial)["dropout"] - 0.1) + 1) / 6])  # type: ignore[operator]
        assert epochs_trained(study, trial) == [1, 2, 3, 4, 5, 6]  # it trained on while there was no driver
        assert alone.propose() == trial
        assert alone.point(trial) == study.point(trial)
    assert not cluster.store.all(JOBS)


@pytest.mark.slow
def test_a_pod_that_is_taken_away_and_a_job_that_is_deleted_go_on(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "EPOCH_SECONDS", "1")
    study = make_study(tmp_path / "study", trials=2)
    cluster.kubelet._usual["EPOCH_SECONDS"] = "1"
    driver = start(tmp_path / "study", trials=2)
    wait_for(lambda: all(len(study.trial(each.number).intermediate_values) > 1 for each in study.trials()), driver)
    wait_for(lambda: len(study.trials()) == 2 and len(study.trial(1).intermediate_values) > 1, driver)
    [pod] = [each for each in cluster.store.all(PODS) if each["metadata"]["name"].startswith("run-1-trial0-")]
    cluster.evict(pod["metadata"]["name"])
    cluster.store.delete(JOBS, NAMESPACE, "run-1-trial1", propagation="Background")
    assert driver.wait(PATIENCE) == 0
    assert {state for state, _, _ in finished(study).values()} == {"COMPLETE"}
    for number in (0, 1):
        assert list(study.trial(number).intermediate_values) == [1, 2, 3, 4, 5, 6]
        assert Counter(epochs_trained(study, number))[6] == 1
        assert len(list(study.folder_of(number).glob("log-*.txt"))) == 2  # both pods'


@pytest.mark.slow
def test_a_run_that_is_cancelled_leaves_no_job_and_goes_on_later(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.kubelet._usual["EPOCH_SECONDS"] = "30"
    driver = start(tmp_path / "study", trials=2)
    cluster.wait_for(lambda: len(cluster.store.all(PODS)) == 2, seconds=PATIENCE)
    driver.send_signal(signal.SIGTERM)
    assert driver.wait(PATIENCE) == 143
    assert not cluster.store.all(JOBS)
    study = make_study(tmp_path / "study", trials=2)
    assert len(study.trials(TrialState.RUNNING)) == 2
    cluster.kubelet._usual["EPOCH_SECONDS"] = "0.01"
    with open_executor("examples", str(tmp_path / "study"), TuneConfig(), ClusterConfig(), run="run-1") as again:
        QuickDriver(study, again).run()
    assert {state for state, _, _ in finished(study).values()} == {"COMPLETE"}


def test_a_step_that_is_moved_leaves_its_jobs_to_the_next_attempt_and_reap_finds_them(
    cluster: Cluster, tmp_path: Path
) -> None:
    workflow = cluster.store.create(WORKFLOWS, NAMESPACE, {"metadata": {"name": "run-1"}, "spec": {}})
    cluster.kubelet._usual["EPOCH_SECONDS"] = "30"
    driver = start(tmp_path / "study", trials=2)
    cluster.wait_for(lambda: len(cluster.store.all(PODS)) == 2, seconds=PATIENCE)
    driver.send_signal(signal.SIGTERM)
    assert driver.wait(PATIENCE) == 143
    jobs = cluster.store.all(JOBS)
    assert {job["metadata"]["name"] for job in jobs} == {"run-1-trial0", "run-1-trial1"}
    for job in jobs:
        [owner] = job["metadata"]["ownerReferences"]
        assert owner["uid"] == workflow["metadata"]["uid"]
    with contextlib.closing(connect()) as connection:
        assert sorted(reap("run-1", connection)) == ["Job run-1-trial0", "Job run-1-trial1"]


def test_a_trial_that_is_refused_fails_with_its_reason_and_waits_for_quota(
    cluster: Cluster, executor: JobExecutor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    space = parse_space("dropout: [0.1, 0.99]", source="test")
    rules = TuneConfig(sampler="grid", pruner="none", trials=2, max_failed=1)
    study = Study(tmp_path / "study", space, FinetuneConfig(epochs=2), rules, dataset="examples")
    cluster.set_quota({"count/jobs.batch": 1})
    QuickDriver(study, executor).run()
    states = {trial.params["dropout"]: trial for trial in study.trials()}
    assert states[0.1].state == TrialState.COMPLETE
    assert states[0.99].user_attrs["error"] == "dropout is 0.99; give less"
    assert "waiting for quota" in capsys.readouterr().err


def test_another_studys_job_of_the_same_name_is_not_taken_for_ones_own(
    cluster: Cluster, executor: JobExecutor, tmp_path: Path
) -> None:
    other = JobExecutor(executor.connection, "run-1", "elsewhere", cluster=ClusterConfig(), parallel=1, restarts=0)
    other.claim(0, "elsewhere/trials/0000").start(["-c", "import time; time.sleep(60)"], {})
    with pytest.raises(ClusterError, match=r"run-1-trial0 is not of the study .*choose another run name"):
        QuickDriver(make_study(tmp_path / "study", trials=1), executor).run()


def test_of_two_drivers_of_a_study_in_a_bucket_the_one_that_came_later_goes_on(gs_root: str) -> None:
    def study() -> Study:
        rules = TuneConfig(sampler="random", pruner="none", trials=3)
        return Study(f"{gs_root}/study", SPACE, FinetuneConfig(epochs=2), rules, dataset="examples")

    first = study()
    assert first.propose() == 0
    assert not first.report(0, 1, {"validation_loss": 0.5})
    second = study()
    assert second.epochs(0) == {1: {"validation_loss": 0.5}}
    assert second.propose() == 1
    with pytest.raises(TakenOverError, match="another driver goes on with this study"):
        first.propose()
    second.tell(0, TrialState.COMPLETE, [0.5])
    assert [trial.state.name for trial in study().trials()] == ["COMPLETE", "RUNNING"]


@pytest.mark.parametrize(
    ("config", "cluster_config", "reason"),
    [
        (TuneConfig(executor="kubernetes"), ClusterConfig(kind="pytorchjob"), "this command's own are Jobs"),
        (TuneConfig(executor="kubernetes"), ClusterConfig(), "minio://x: the trials read and write gs://"),
    ],
)
def test_what_jobs_cannot_have_is_refused(config: TuneConfig, cluster_config: ClusterConfig, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        tune("minio://x", "minio://y", SPACE, config, cluster=cluster_config, run="run-1")


class RemoteDriver(QuickDriver):
    """Its trials write what a training writes to a bucket, and print one of two epochs."""

    def _arguments(self, number: int) -> list[str]:
        program = (
            "import json, sys; from intclass.components.shared import storage; "
            "model, loss = sys.argv[1], float(sys.argv[2]); print(f'epoch=2 validation_loss={loss}'); "
            "rows = [{'epoch': 1, 'validation_loss': 1.0}, {'epoch': 2, 'validation_loss': loss}]; "
            "storage.write_text(f'{model}/training.jsonl', ''.join(json.dumps(row) + chr(10) for row in rows)); "
            "counts = {'parameters': 1000, 'epochs': 2, 'best_epoch': 2}; "
            "rest = {'stage': 'finetune', 'program': 'test', 'config': {}, 'files': {}}; "
            "made = {**rest, 'counts': counts, 'stats': {'validation_loss': loss}}; "
            "storage.write_text(f'{model}/manifest.json', json.dumps(made))"
        )
        return ["-c", program, f"{self.study.place_of(number)}/model", str(self.study.point(number)["dropout"])]


def test_a_study_in_a_bucket_is_whole_and_found_again(gs_root: str, cluster: Cluster) -> None:
    out = f"{gs_root}/study"
    rules = TuneConfig(executor="kubernetes", sampler="random", pruner="none", trials=2, parallel=2)
    study = Study(out, SPACE, FinetuneConfig(epochs=2), rules, dataset="examples")
    with open_executor("examples", out, rules, ClusterConfig(), run="run-1") as executor:
        RemoteDriver(study, executor).run()
    again = Study(out, SPACE, FinetuneConfig(epochs=2), rules, dataset="examples")
    for number, (state, point, values) in finished(again).items():
        assert (state, values) == ("COMPLETE", [point["dropout"]])
        assert again.trial(number).intermediate_values == {
            1: 1.0,
            2: point["dropout"],
        }  # the first from the model's log
        logs = [file for file in storage.list_files(again.place_of(number)) if "/log-run-1-trial" in file]
        assert [storage.read_text(log) for log in logs] == [f"epoch=2 validation_loss={point['dropout']}\n"]
    assert not cluster.store.all(JOBS)


@pytest.mark.slow
def test_trials_in_jobs_really_train_over_a_bucket(remote_dataset: str, cluster: Cluster, tmp_path: Path) -> None:
    """The driver is killed when a trial has ended, and a pod is taken away; ASHA, which Katib lacks."""
    (tmp_path / "space.yaml").write_text("learning_rate: {min: 1e-3, max: 1e-2, log: true}\n")
    out = remote_dataset.replace("examples", "study")
    command = [sys.executable, "-m", "intclass.components.tune", remote_dataset, "--out", out, "--run", "run-1"]
    rules = ["--executor", "kubernetes", "--sampler", "random", "--pruner", "asha", "--trials", "4", "--parallel", "2"]
    tiny = ["--epochs", "3", "--hidden-size", "16", "--num-layers", "1", "--num-heads", "2"]
    full = [*command, *rules, "--space", str(tmp_path / "space.yaml"), "--keep-models", "--", *tiny]
    first = subprocess.Popen(full)
    ended: list[str] = []

    def some_ended() -> bool:
        ended[:] = [file for file in storage.list_files(out) if file.endswith("model/manifest.json")]
        return bool(ended)

    wait_for(some_ended, first)
    first.kill()
    first.wait()
    before = {file: storage.generation(file) for file in ended}
    running = [pod for pod in cluster.store.all(PODS) if pod["status"]["phase"] == "Running"]
    for pod in running[:1]:
        cluster.evict(pod["metadata"]["name"])
    second = subprocess.run(full, capture_output=True, text=True, check=False, timeout=1500)
    assert second.returncode == 0, second.stdout + second.stderr
    table = tmp_path / "trials.parquet"
    table.write_bytes(storage.read_bytes(f"{out}/trials.parquet"))
    rows = pq.read_table(table).to_pylist()
    assert len(rows) == 4
    assert {row["state"] for row in rows} <= {"complete", "pruned"}
    assert all((row["last_epoch"] == 3) == (row["state"] == "complete") for row in rows)
    assert {file: storage.generation(file) for file in before} == before  # none was trained again
    for number in range(4):
        assert any("/log-run-1-trial" in file for file in storage.list_files(f"{out}/trials/{number:04}"))
    best = min((row for row in rows if row["state"] == "complete"), key=lambda row: float(row["validation_loss"]))
    assert read_best(out) == {"learning_rate": best["learning_rate"]}
    assert not cluster.store.all(JOBS)


def test_patience_with_a_cluster_that_does_not_answer_ends_in_one_line(cluster: Cluster, tmp_path: Path) -> None:
    cluster.faults.refuse(503, times=100, path="/apis/batch/.*")
    with contextlib.closing(connect(patience=Patience(seconds=1.0, first_pause=0.1))) as connection:
        executor = JobExecutor(connection, "run-1", "out", cluster=ClusterConfig(), parallel=1, restarts=0)
        with pytest.raises(ClusterError, match="the Kubernetes API does not answer"):
            executor.look()
