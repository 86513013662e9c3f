"""The real kfp client against a server double at the wire: no Kubeflow Pipelines server exists outside a cluster."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from intclass.components.shared.errors import ConfigError
from intclass.pipelines.compiling import COMPILED, compiled_file
from intclass.pipelines.submit import Submission, SubmitError, git_revision, submit_pipeline


class _Api(BaseHTTPRequestHandler):
    """Answers what kfp.Client asks on the way to a run; keeps what was created."""

    pipelines: ClassVar[dict[str, str]] = {}
    versions: ClassVar[dict[str, bytes]] = {}
    runs: ClassVar[list[dict[str, Any]]] = []
    schedules: ClassVar[list[dict[str, Any]]] = []
    refuse = False

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        wanted = json.loads(query["filter"])["predicates"][0].get("stringValue") if "filter" in query else None
        if url.path.endswith("/healthz"):
            self._answer({"multi_user": False})
        elif url.path.endswith("/versions"):
            found = [{"pipeline_id": "p1", "pipeline_version_id": f"id-{wanted}"}] if wanted in self.versions else []
            self._answer({"pipeline_versions": found})
        elif url.path.endswith("/pipelines"):
            known = [{"pipeline_id": self.pipelines[wanted]}] if wanted in self.pipelines else []
            self._answer({"pipelines": known} if known else {})
        elif "/experiments" in url.path:
            self._answer({"experiments": [{"experiment_id": "e1", "display_name": "intclass"}]})
        else:
            self._answer({"error": self.path}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        url = urlsplit(self.path)
        query = {key: unquote(values[0]) for key, values in parse_qs(url.query).items()}
        if self.refuse:
            self._answer({"error": "not allowed"}, 403)
        elif url.path.endswith("/pipelines/upload"):
            self.pipelines[query["name"]] = "p1"
            self._answer({"pipeline_id": "p1"})
        elif url.path.endswith("/pipelines/upload_version"):
            self.versions[query["name"]] = body
            self._answer({"pipeline_id": query["pipelineid"], "pipeline_version_id": f"id-{query['name']}"})
        elif url.path.endswith("/recurringruns"):
            self.schedules.append(json.loads(body))
            self._answer({"recurring_run_id": "s1"})
        elif url.path.endswith("/runs"):
            self.runs.append(json.loads(body))
            self._answer({"run_id": "r1"})
        else:
            self._answer({"error": self.path}, 404)

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
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
    handler = type("Api", (_Api,), {"pipelines": {}, "versions": {}, "runs": [], "schedules": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


def test_a_version_is_uploaded_and_run_with_the_arguments(
    api: tuple[str, type[_Api]], capsys: pytest.CaptureFixture[str]
) -> None:
    host, handler = api
    submission = Submission(
        arguments={"count": 500, "questions": ["x"]}, run_name="first", pipeline_root="gs://bucket/runs"
    )
    assert submit_pipeline(host, submission) == f"{host}/#/runs/details/r1"
    assert COMPILED.read_bytes() in handler.versions[submission.version]
    [run] = handler.runs
    assert run["display_name"] == "first"
    assert run["pipeline_version_reference"] == {
        "pipeline_id": "p1",
        "pipeline_version_id": f"id-{submission.version}",
    }
    assert run["runtime_config"] == {
        "parameters": {"count": 500, "questions": ["x"]},
        "pipeline_root": "gs://bucket/runs",
    }
    assert capsys.readouterr().out == ""


def test_a_version_that_is_there_is_not_sent_again(api: tuple[str, type[_Api]]) -> None:
    host, handler = api
    submission = Submission()
    submit_pipeline(host, submission)
    handler.versions[submission.version] = b"sent before"
    submit_pipeline(host, submission)
    assert handler.versions == {submission.version: b"sent before"}
    assert len(handler.runs) == 2


def test_a_schedule_never_overlaps_and_makes_up_for_nothing(api: tuple[str, type[_Api]]) -> None:
    host, handler = api
    growing = Submission(
        compiled=compiled_file("growing"),
        pipeline="growing",
        arguments={"folder": "gs://bucket/growing"},
        cron="0 0 2 * * *",
    )
    assert submit_pipeline(host, growing) == f"{host}/#/recurringrun/details/s1"
    assert not handler.runs
    [schedule] = handler.schedules
    assert schedule["trigger"]["cron_schedule"]["cron"] == "0 0 2 * * *"
    assert (schedule["max_concurrency"], schedule["no_catchup"], schedule["mode"]) == (1, True, "ENABLE")
    assert schedule["runtime_config"]["parameters"] == {"folder": "gs://bucket/growing"}


def test_the_version_is_the_git_revision_and_what_is_sent(tmp_path: Path) -> None:
    revision = git_revision()
    assert revision is not None
    changed = tmp_path / "changed.yaml"
    changed.write_text(COMPILED.read_text().replace("100000", "100001"))
    versions = [Submission().version, Submission(compiled=changed).version]
    assert all(version.startswith(f"{revision}-") for version in versions)
    assert len(set(versions)) == 2


def test_a_cron_expression_without_seconds_is_refused() -> None:
    with pytest.raises(ConfigError, match="6 fields, seconds first"):
        Submission(cron="0 2 * * *")


def test_a_parameter_without_a_default_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="no default for folder: give --set folder="):
        Submission(compiled=compiled_file("growing"), pipeline="growing")


def test_a_refusal_names_the_server_and_the_status(api: tuple[str, type[_Api]]) -> None:
    host, handler = api
    handler.refuse = True
    with pytest.raises(SubmitError, match=f"{host}: refused: 403"):
        submit_pipeline(host, Submission())


def test_no_server_is_one_clear_error() -> None:
    with pytest.raises(SubmitError, match="no Kubeflow Pipelines server answers"):
        submit_pipeline("http://127.0.0.1:9", Submission())
