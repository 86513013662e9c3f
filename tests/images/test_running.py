"""The images that `make images` has built, run as on a cluster: read-only root, no privileges, no network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator

import pytest
import yaml

from intclass.components.shared import images
from intclass.components.shared.kube.containers import USER
from intclass.components.shared.manifest import program_version
from intclass.pipelines.compiling import FILES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

NAMES = {"cpu": images.CPU, "train": images.TRAIN, "launch": images.LAUNCH, "serve": images.SERVE}
# What jobs on the cluster start, by stage.
COMMANDS = {"integrate": "cpu", "finetune": "train", "tune": "train", "distribute": "launch", "serve": "serve"}
IMPORT = r"^ +from intclass\S* import .+$"
LOCKED_DOWN = ["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=none"]
INTEGRATE = """
from intclass.components.integrate.engines.fricas import FricasEngine
from intclass.components.shared.expressions import parse
engine = FricasEngine()
answer = engine.integrate(parse("x*exp(x**2)"), limit_seconds=5)
print(answer.status, answer.antiderivative)
engine.close()
"""
ASK = """
import json, urllib.request
body = json.dumps({"instances": ["x*exp(x**2)", "exp(x**2)"], "solve": True}).encode()
with urllib.request.urlopen("http://127.0.0.1:8080/v1/models/intclass:predict", body, timeout=60) as answer:
    print(answer.read().decode())
"""


def podman(*words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["podman", *words], capture_output=True, text=True, timeout=200, check=check)


def image(role: str) -> str:
    """The role's image; skips the test where it cannot be run."""
    if shutil.which("podman") is None:
        pytest.skip("NOT TESTED: no podman to run images with")
    if podman("image", "exists", NAMES[role], check=False).returncode != 0:
        pytest.skip(f"NOT TESTED: no image {NAMES[role]}; make image-{role}")
    return NAMES[role]


def run(role: str, *command: str) -> str:
    """What a command prints in a new container of the role's image."""
    done = podman("run", "--rm", *LOCKED_DOWN, image(role), *command, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("role", NAMES)
def test_it_holds_this_version(role: str) -> None:
    assert run(role, "intclass", "--version") == program_version()


@pytest.mark.parametrize(("stage", "role"), COMMANDS.items())
def test_the_commands_of_its_pods_start(stage: str, role: str) -> None:
    assert "Usage: " in run(role, "python", "-m", f"intclass.components.{stage}", "--help")


@pytest.mark.parametrize("role", NAMES)
def test_it_holds_what_its_steps_import(role: str) -> None:
    """The import statements of the components that the pipelines run in it."""
    steps = [
        executor["container"]
        for compiled in FILES.values()
        for executor in next(yaml.safe_load_all(compiled.read_text()))["deploymentSpec"]["executors"].values()
        if executor.get("container", {}).get("image") == NAMES[role]
    ]
    assert steps
    found = {line.strip() for step in steps for line in re.findall(IMPORT, "\n".join(step["command"]), re.MULTILINE)}
    assert found
    run(role, "python", "-c", "\n".join(["import kfp.dsl.executor_main", *sorted(found)]))


@pytest.mark.parametrize("role", NAMES)
def test_its_user_is_not_root_and_owns_nothing(role: str) -> None:
    writable = "find / -xdev -writable -not -path '/tmp*' -not -path '/dev*' -not -path '/proc*' -not -type l"
    # Without --read-only, which would hide what the user may write to.
    found = podman("run", "--rm", "--network=none", image(role), "sh", "-c", f"id -u; {writable} 2>/dev/null; true")
    user, *places = found.stdout.split()
    assert user == str(USER)
    assert set(places) <= {"/run/lock", "/var/tmp", "/run/.containerenv"}, places


@pytest.mark.parametrize(("role", "has_torch"), [("cpu", False), ("launch", False), ("train", True), ("serve", True)])
def test_only_what_computes_with_torch_holds_it(role: str, has_torch: bool) -> None:
    found = run(role, "python", "-c", "import importlib.util as u; print(u.find_spec('torch') is not None)")
    assert found == str(has_torch)


@pytest.mark.parametrize("role", NAMES)
def test_it_holds_no_tool_to_install_more(role: str) -> None:
    assert run(role, "sh", "-c", "which pip uv gcc curl || true") == ""


@pytest.mark.parametrize("role", ["cpu", "serve"])
def test_fricas_integrates_under_the_usual_seccomp_profile(role: str) -> None:
    assert run(role, "python", "-c", INTEGRATE).split() == ["solved", "exp(x**2)/2"]


def test_train_asks_the_model_that_comes_along() -> None:
    rows = [json.loads(line) for line in run("train", "intclass", "predict", "x*exp(x**2)").splitlines()]
    assert [row["integrand"] for row in rows] == ["x*exp(x**2)"]


@pytest.fixture
def server() -> Iterator[str]:
    """The name of a container that serves, as its image starts it."""
    name = f"intclass-{uuid.uuid4().hex[:8]}"
    podman("run", "--detach", "--name", name, *LOCKED_DOWN, image("serve"))
    yield name
    podman("rm", "--force", name)


def test_serve_is_well_answers_and_ends_in_order(server: str) -> None:
    deadline = time.monotonic() + 120
    while podman("healthcheck", "run", server, check=False).returncode != 0:
        assert time.monotonic() < deadline, podman("logs", server).stderr
        time.sleep(1)
    answer = json.loads(podman("exec", server, "python", "-c", ASK).stdout)
    assert [prediction["label"] for prediction in answer["predictions"]] == ["elementary", "nonelementary"]
    podman("stop", "--time=60", server)
    assert podman("wait", server).stdout.strip() == "0"
