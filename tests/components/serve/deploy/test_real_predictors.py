"""Deploying servers that really load the model, and the command as the process that a user starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from intclass.components.serve import ask_v1, launch
from intclass.components.serve.deploy import DeployConfig
from intclass.components.shared.errors import ConfigError, ServingError
from intclass.components.shared.images import SERVE
from tests.cluster.resources import CONFIG_MAPS, WORKFLOWS
from tests.components.serve.deploy.conftest import NAMESPACE, STUB, Deployer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Put = Callable[..., str]


def test_our_server_is_deployed_and_replaced_without_a_gap(deployer: Deployer, put_model: Put) -> None:
    deployer(put_model("old"), image=SERVE, ready_seconds=300.0)
    stopping = threading.Event()
    failures: list[str] = []

    def ask_on() -> None:
        with httpx.Client(base_url=deployer.service()["status"]["url"], timeout=30, trust_env=False) as client:
            while not stopping.wait(0.3):
                try:
                    assert ask_v1(client, ["x*exp(x**2)"])[0]["canonical"] == "x*exp(x**2)"
                except (ServingError, httpx.HTTPError) as error:
                    failures.append(str(error))

    user = threading.Thread(target=ask_on)
    user.start()
    deployer(put_model("new", temperature=0.5), image=SERVE, ready_seconds=300.0, watch_seconds=3.0)
    stopping.set()
    user.join()
    assert failures == []
    assert (deployer.services, deployer.models) == (["intclass"], ["new"])
    counted = [line.rsplit("the pods count: ", 1)[1] for line in deployer.told.splitlines() if "watched for" in line]
    assert len(counted) == 2
    assert all(line.startswith("0 of ") and not line.startswith("0 of 0 ") for line in counted)


def test_our_server_with_another_model_than_asked_for_is_taken_back(deployer: Deployer, put_model: Put) -> None:
    old, new = put_model("old"), put_model("new", temperature=0.1)
    deployer(old, image=SERVE, ready_seconds=300.0)
    deployer.cluster.kubelet.models[new] = old
    with pytest.raises(ServingError, match=r"over V1, .* over V2, but the model says .*; the old model serves on"):
        deployer(new, image=SERVE, ready_seconds=300.0)
    assert (deployer.services, deployer.models) == (["intclass"], ["old"])


def test_kserves_runtime_for_hugging_face_gives_the_models_answers_without_its_calibration(
    deployer: Deployer, put_model: Put, sequence_model: Path
) -> None:
    answers = deployer(put_model("one", of=sequence_model, temperature=0.1), runtime="huggingface", ready_seconds=300.0)
    assert [answer["integrand"] for answer in answers][:2] == ["x*exp(x**2)", "exp(x**2)"]
    two = put_model("two", of=sequence_model)
    deployer.cluster.kubelet.models[two] = put_model("three", of=sequence_model, weights=0.5)
    with pytest.raises(ServingError, match=r"the service says .* but the model says .*; the old model serves on"):
        deployer(two, runtime="huggingface", ready_seconds=300.0)


def test_a_predictor_that_hangs_during_the_watch_is_taken_back(deployer: Deployer, put_model: Put) -> None:
    deployer(put_model("old"))
    new = put_model("new", temperature=0.5)

    def freeze() -> None:
        deployer.cluster.wait_for(lambda: "intclass-canary: 6 golden" in deployer.told, seconds=120)
        [pod] = [pod for pod in deployer.pods if pod["metadata"]["labels"]["app"] == "isvc.intclass-canary-predictor"]
        deployer.cluster.kubelet.signal(pod, signal.SIGSTOP)

    freezer = threading.Thread(target=freeze)
    freezer.start()
    with pytest.raises(ServingError, match="the old model serves on"):
        deployer(new, watch_seconds=15.0)
    freezer.join()
    assert (deployer.services, deployer.models) == (["intclass"], ["old"])


def command(deployer: Deployer, model: str, *more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "KUBECONFIG": str(deployer.cluster.kubeconfig), "PYTHONUNBUFFERED": "1"}
    options = ["--image", STUB, "--watch-seconds", "2", *more]
    return subprocess.Popen(
        [sys.executable, "-m", "intclass.components.serve.deploy", model, *options, "--", "--solvers", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_command_that_was_killed_is_given_again(deployer: Deployer, put_model: Put) -> None:
    old, new = put_model("old"), put_model("new", temperature=0.5)
    first = command(deployer, old).communicate(timeout=300)[0]
    assert first.endswith(f"intclass: serves {old}, and answers 6 golden questions as the model does\n")
    killed = command(deployer, new)
    assert killed.stdout is not None
    for line in killed.stdout:
        if "intclass-canary: 6 golden" in line:
            break
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert deployer.services == ["intclass", "intclass-canary"]
    assert command(deployer, new).communicate(timeout=300)[0].endswith("golden questions as the model does\n")
    assert (deployer.services, deployer.models) == (["intclass"], ["new"])
    assert not deployer.cluster.store.all(CONFIG_MAPS)


@pytest.mark.parametrize("run", ["none", "goes on", "stops"])
def test_sigterm_takes_a_rollout_back_unless_its_run_goes_on(deployer: Deployer, put_model: Put, run: str) -> None:
    deployer(put_model("old"))
    options = [] if run == "none" else ["--run", "run-1"]
    if run != "none":
        specification = {"activeDeadlineSeconds": 0} if run == "stops" else {}
        body = {"metadata": {"name": "run-1"}, "spec": specification}
        deployer.cluster.store.create(WORKFLOWS, NAMESPACE, body)
    process = command(deployer, put_model("new", temperature=0.5), *options)
    assert process.stdout is not None
    for line in process.stdout:
        if "intclass-canary: 6 golden" in line:
            break
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 143, output
    if run == "goes on":
        assert "the rollout is left for the next attempt" in output
        owners = deployer.service("intclass-canary")["metadata"]["ownerReferences"]
        assert [owner["kind"] for owner in owners] == ["Workflow"]
    else:
        assert (deployer.services, deployer.models) == (["intclass"], ["old"])
        assert not deployer.cluster.store.all(CONFIG_MAPS)


def test_the_step_of_a_pipeline_deploys(deployer: Deployer, put_model: Put, model: object) -> None:
    uri = put_model("one")
    config = DeployConfig(image=STUB)
    questions = ["x*exp(x**2)", "1/log(x)"]
    rows = launch("kubernetes", questions, folder=str(model), uri=uri, config=config)
    assert [row["integrand"] for row in rows] == questions
    assert deployer.models == ["one"]
    with pytest.raises(ConfigError, match="launcher is 'slurm'; choose one of local, kubernetes"):
        launch("slurm", questions, folder=str(model), uri=uri, config=config)
