"""Starting, trying and stopping a server as a process of its own."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from intclass.components.finetune import Classifier
from intclass.components.serve import ServeConfig, answers_table, compare, running_server, smoke_test
from intclass.components.shared.errors import ConfigError, ServingError
from intclass.components.shared.expressions import Limits
from intclass.components.shared.storage import copy_folder


def _serve(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "intclass.components.serve", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


INTEGRANDS = ["x*exp(x**2)", "exp(x^2)"]


@pytest.mark.slow
def test_a_smoke_test_returns_the_answers_of_the_served_model(model: Path) -> None:
    answers = smoke_test(model, INTEGRANDS)
    assert [answer["probability"] for answer in answers] == pytest.approx(
        list(Classifier.load(model).predict(INTEGRANDS))
    )


@pytest.mark.slow
def test_a_model_is_served_from_an_object_store(model: Path, gs_root: str) -> None:
    copy_folder(model, f"{gs_root}/model")
    assert len(smoke_test(f"{gs_root}/model", INTEGRANDS)) == len(INTEGRANDS)


def test_a_server_that_answers_as_the_model_does_passes(server: Any, model: Path) -> None:
    answers = compare(str(server.client.base_url), model, INTEGRANDS)
    assert [answer["integrand"] for answer in answers] == INTEGRANDS
    assert [answer["canonical"] for answer in answers] == ["x*exp(x**2)", "exp(x**2)"]


def test_a_server_that_answers_differently_is_told_by_the_integrand(server: Any, model: Path, tmp_path: Path) -> None:
    other = shutil.copytree(model, tmp_path / "other")
    calibration = json.loads((other / "calibration.json").read_text())
    (other / "calibration.json").write_text(json.dumps(calibration | {"temperature": 0.01}))
    with pytest.raises(ServingError, match=r"x\*exp\(x\*\*2\): 0\.\d+ over V1, 0\.\d+ over V2, but the model says"):
        compare(str(server.client.base_url), other, INTEGRANDS)


def test_an_integrand_that_the_server_refuses_is_an_error(server: Any, model: Path) -> None:
    with pytest.raises(ServingError, match=r"answered 400: .*instance 1: "):
        compare(str(server.client.base_url), model, ["x", "y"])


def test_answers_become_a_markdown_table() -> None:
    answer = {"integrand": "x|x", "canonical": "x", "label": "elementary", "probability": 0.98765}
    assert answers_table([answer]).splitlines() == [
        "| integrand | label | probability |",
        "|---|---|---:|",
        r"| `x\|x` | elementary | 0.988 |",
    ]


def test_on_sigterm_a_request_under_way_is_answered_and_the_exit_code_is_0(model: Path) -> None:
    body = {"instances": [f"exp({number}*x)*sin(x**{number % 7})" for number in range(256)]}
    answers: list[httpx.Response] = []
    before = set(psutil.Process().children())
    with running_server(model, ServeConfig(port=0, batch_size=1)) as url:
        client = threading.Thread(
            target=lambda: answers.append(
                httpx.post(f"{url}/v1/models/intclass:predict", json=body, trust_env=False, timeout=20)
            )
        )
        client.start()
        while "intclass_http_requests_inside 2.0" not in httpx.get(f"{url}/metrics", trust_env=False).text:
            assert not answers, "the request was over before the signal"
        start = time.monotonic()
        for process in set(psutil.Process().children()) - before:
            process.send_signal(signal.SIGTERM)
        client.join(timeout=20)
    assert answers[0].status_code == 200
    assert len(answers[0].json()["predictions"]) == 256
    assert time.monotonic() - start < 10


def test_on_sigterm_it_is_first_not_ready_then_still_answers_then_goes(model: Path) -> None:
    before = set(psutil.Process().children())
    with (
        running_server(model, ServeConfig(port=0, grace_seconds=1.0)) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=10) as client,
    ):
        [process] = set(psutil.Process().children()) - before
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        while client.get("/v2/health/ready").status_code != 503:
            assert time.monotonic() - start < 1
        assert client.get("/v2/health/live").status_code == 200
        answer = httpx.post(f"{url}/v1/models/intclass:predict", json={"instances": ["x"]}, trust_env=False)
        assert answer.status_code == 200
        assert time.monotonic() - start < 1
        process.wait(timeout=20)
        assert time.monotonic() - start >= 1


@pytest.mark.slow
def test_several_workers_share_the_connections_count_together_and_stop_together(model: Path, tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    log = tmp_path / "log"
    with running_server(model, ServeConfig(port=0, workers=2), log_path=log) as url:
        while log.read_text().count("Application startup complete") < 2:
            time.sleep(0.1)
        for _ in range(40):  # a new connection each time
            response = httpx.post(
                f"{url}/v1/models/intclass:predict", json={"instances": ["x"]}, trust_env=False, timeout=60
            )
            assert response.status_code == 200
        metrics = httpx.get(f"{url}/metrics", trust_env=False).text
        processes = set(psutil.Process().children(recursive=True)) - before
    counts = [line for line in metrics.splitlines() if line.startswith("intclass_predictions_total")]
    assert sum(float(line.split()[-1]) for line in counts) == 40
    assert len(set(re.findall(r"gate\[(\d+)\] .* POST ", log.read_text()))) == 2
    assert len(processes) >= 3
    assert not psutil.wait_procs(processes, timeout=10)[1]


def test_no_model_is_one_line_that_says_how_to_make_one(tmp_path: Path) -> None:
    result = _serve(f"--model={tmp_path}")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert f"{tmp_path}: no model here" in result.stderr
    assert "intclass finetune" in result.stderr


def test_a_port_in_use_is_one_line(model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        results = [
            _serve(f"--model={model}", f"--port={port}"),
            _serve(f"--model={model}", "--port=0", f"--grpc-port={port}"),
        ]
    for result in results:
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr == f"error: port {port} on 127.0.0.1 is in use: choose another, or 0 for a free one\n"


@pytest.mark.slow
def test_a_folder_that_holds_no_readable_model_is_one_line(tmp_path: Path, model: Path) -> None:
    (tmp_path / "manifest.json").write_bytes((model / "manifest.json").read_bytes())
    with pytest.raises(ServingError, match="the server did not get ready: error: "), running_server(tmp_path):
        pass


def test_a_server_that_does_not_start_is_reported_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match="no model here"), running_server(tmp_path):
        pass


def test_limits_cannot_be_handed_to_another_process(model: Path) -> None:
    config = ServeConfig(port=0, limits=Limits(length=10))
    with pytest.raises(ConfigError, match="limits"), running_server(model, config):
        pass
