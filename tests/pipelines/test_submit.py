"""The real kfp client against a server double at the wire: no Kubeflow Pipelines server exists outside a cluster."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
import yaml

from intclass.pipelines.compiling import COMPILED
from intclass.pipelines.submit import SubmitError, submit_run


class _Api(BaseHTTPRequestHandler):
    """Answers what kfp.Client asks on the way to a run; keeps the runs that were created."""

    runs: ClassVar[list[dict[str, Any]]] = []
    refuse = False

    def do_GET(self) -> None:
        if self.path.endswith("/healthz"):
            self._answer(200, {"multi_user": False})
        elif "/experiments" in self.path:
            self._answer(200, {"experiments": [{"experiment_id": "e1", "display_name": "intclass"}]})
        else:
            self._answer(404, {"error": self.path})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.refuse:
            self._answer(403, {"error": "not allowed"})
        elif self.path.endswith("/runs"):
            self.runs.append(body)
            self._answer(200, {"run_id": "r1", "display_name": body["display_name"]})
        else:
            self._answer(200, {"experiment_id": "e1", "display_name": body.get("display_name")})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[tuple[str, type[_Api]]]:
    handler = type("Api", (_Api,), {"runs": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


def test_the_committed_pipeline_arrives_with_its_arguments(api: tuple[str, type[_Api]]) -> None:
    host, handler = api
    page = submit_run(host, {"count": 500, "questions": ["x"]}, run_name="first")
    assert page == f"{host}/#/runs/details/r1"
    [run] = handler.runs
    assert run["display_name"] == "first"
    assert run["runtime_config"]["parameters"] == {"count": 500, "questions": ["x"]}
    assert run["pipeline_spec"]["pipeline_spec"] == next(yaml.safe_load_all(COMPILED.read_text()))


def test_a_refusal_names_the_server_and_the_status(api: tuple[str, type[_Api]]) -> None:
    host, handler = api
    handler.refuse = True
    with pytest.raises(SubmitError, match=f"{host}: refused: 403"):
        submit_run(host, {})


def test_no_server_is_one_clear_error() -> None:
    with pytest.raises(SubmitError, match="no Kubeflow Pipelines server answers"):
        submit_run("http://127.0.0.1:9", {})
