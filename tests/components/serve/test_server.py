"""The server as its clients meet it: a process of its own, over HTTP and gRPC."""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

from intclass.components.finetune import Classifier
from intclass.components.serve import ask_v1, ask_v2

PREDICT = "/v1/models/intclass:predict"
INFER = "/v2/models/intclass/infer"
INTEGRANDS = ["x*exp(x^2)", "exp(x**2)", "sin(x)/x", "log(x)*cos(3*x + 1)", "1/(x**2 + 1)"]
HOSTILE = {
    "code": "__import__('os').system('id')",
    "dunder": "x.__class__.__mro__",
    "lambda": "(lambda: 0)()",
    "tower": "x**9**9**9**9",
    "huge power": "9**9**9",
    "long": "x+" * 50_000 + "x",
    "deep": "(" * 5_000 + "x" + ")" * 5_000,
    "deep open": "(" * 9_000,
    "null byte": "x\x00+1",
    "unicode": "\u222b sin(\U0001d465)",
    "right to left": "x \u202e+ 1",
    "digits": "9" * 5_000,
    "other variable": "x*y",
    "nothing": "",
    "nan": "nan",
    "division by zero": "1/0 + x",
}


def _metric(client: httpx.Client, name: str) -> float:
    line = re.search(rf"^{re.escape(name)} (\S+)$", client.get("/metrics").text, flags=re.MULTILINE)
    return float(line[1]) if line else 0.0


@pytest.fixture(scope="module")
def expected(model: Path) -> list[float]:
    return [float(probability) for probability in Classifier.load(model).predict(INTEGRANDS)]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/", {"status": "alive"}),
        ("/v1/models", {"models": ["intclass"]}),
        ("/v1/models/intclass", {"name": "intclass", "ready": True}),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models", {"models": ["intclass"]}),
        ("/v2/models/intclass/ready", {"name": "intclass", "ready": True}),
    ],
)
def test_it_says_that_it_is_there_and_ready(server: Any, path: str, content: object) -> None:
    response = server.client.get(path)
    assert (response.status_code, response.json()) == (200, content)


def test_v2_describes_the_model(server: Any) -> None:
    content = server.client.get("/v2/models/intclass").json()
    assert [(one["name"], one["datatype"]) for one in content["inputs"]] == [("integrand", "BYTES")]
    assert [one["name"] for one in content["outputs"]] == ["label", "probability", "canonical"]


def test_v1_answers_as_the_model_does(server: Any, expected: list[float]) -> None:
    answers = ask_v1(server.client, INTEGRANDS)
    assert [answer["integrand"] for answer in answers] == INTEGRANDS
    assert [answer["probability"] for answer in answers] == pytest.approx(expected, abs=1e-5)
    assert [answer["canonical"] for answer in answers][:2] == ["x*exp(x**2)", "exp(x**2)"]


def test_the_label_is_the_likelier_one(server: Any, model: Path) -> None:
    negative, positive = Classifier.load(model).labels
    for answer in ask_v1(server.client, INTEGRANDS):
        assert answer["label"] == (positive if answer["probability"] >= 0.5 else negative)


def test_v1_reads_json_whatever_its_content_type(server: Any) -> None:
    body = json.dumps({"instances": [{"integrand": "x"}]})
    for content_type in ("application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain"):
        response = server.client.post(PREDICT, content=body, headers={"content-type": content_type})
        assert response.json()["predictions"][0]["canonical"] == "x"


def test_v2_answers_as_v1_does(server: Any) -> None:
    columns = ("integrand", "label", "canonical")
    over_v1, over_v2 = ask_v1(server.client, INTEGRANDS), ask_v2(server.client, INTEGRANDS)
    assert [[one[name] for name in columns] for one in over_v2] == [[one[name] for name in columns] for one in over_v1]
    assert [one["probability"] for one in over_v2] == pytest.approx([one["probability"] for one in over_v1], abs=1e-5)


def test_v1_solves_on_request(server: Any) -> None:
    body = {"instances": ["x*exp(x^2)", "exp(x^2)"], "solve": True}
    found, proved = server.client.post(PREDICT, json=body).json()["predictions"]
    assert found["solution"]["antiderivative"] == "exp(x**2)/2"
    assert (found["solution"]["label"], found["solution"]["verified"]) == ("elementary", True)
    assert proved["solution"]["label"] == "nonelementary"
    assert "Liouville" in proved["solution"]["certificate"]
    assert found["probability"] == pytest.approx(ask_v1(server.client, ["x*exp(x^2)"])[0]["probability"], abs=1e-5)


def test_v2_solves_on_request(server: Any) -> None:
    tensor = {"name": "integrand", "shape": [2], "datatype": "BYTES", "data": ["x", "exp(x^2)"]}
    content = server.client.post(INFER, json={"inputs": [tensor], "parameters": {"solve": True}}).json()
    columns = {output["name"]: output["data"] for output in content["outputs"]}
    assert columns["solution_label"] == ["elementary", "nonelementary"]
    assert columns["solution_antiderivative"] == ["x**2/2", ""]
    assert columns["solution_verified"] == [True, False]


def test_predictions_do_not_wait_for_solvers(server: Any) -> None:
    hanging = "cos(log(x)*exp(x) + x)*log(sin(x) + x**3)/(exp(x) + x)"
    done: list[str] = []

    async def ask(client: httpx.AsyncClient, body: dict[str, Any], name: str) -> httpx.Response:
        response = await client.post(PREDICT, json=body)
        done.append(name)
        return response

    async def scenario() -> httpx.Response:
        async with httpx.AsyncClient(base_url=server.client.base_url, timeout=30, trust_env=False) as client:
            solve = asyncio.create_task(ask(client, {"instances": [hanging], "solve": True}, "solve"))
            await asyncio.sleep(0.1)
            for _ in range(5):
                await ask(client, {"instances": ["x"]}, "predict")
            return await solve

    solution = asyncio.run(scenario()).json()["predictions"][0]["solution"]
    assert done == ["predict"] * 5 + ["solve"]
    assert solution["label"] == "unknown"
    assert solution["reason"].startswith("timeout")


def test_more_than_can_be_solved_is_refused(server: Any) -> None:
    response = server.client.post(PREDICT, json={"instances": ["x"] * 9, "solve": True})
    assert (response.status_code, response.json()["error"]) == (
        400,
        "solve: 9 instances, but at most 8 are solved at once",
    )


def _grpc_request(*integrands: bytes, model_name: str = "intclass") -> messages.ModelInferRequest:
    tensor = {
        "name": "integrand",
        "shape": [len(integrands)],
        "datatype": "BYTES",
        "contents": {"bytes_contents": integrands},
    }
    return messages.ModelInferRequest(model_name=model_name, id="9", inputs=[tensor])


def test_v2_over_grpc_answers_as_v1_does(server: Any) -> None:
    with grpc.insecure_channel(server.grpc_address) as channel:
        reply = GRPCInferenceServiceStub(channel).ModelInfer(_grpc_request(b"x*exp(x**2)", b"sin(x)/x"), timeout=20)
    assert reply.id == "9"
    labels, probabilities, canonical = reply.outputs
    expected = ask_v1(server.client, ["x*exp(x**2)", "sin(x)/x"])
    assert [text.decode() for text in labels.contents.bytes_contents] == [one["label"] for one in expected]
    assert list(probabilities.contents.fp64_contents) == pytest.approx(
        [one["probability"] for one in expected], abs=1e-5
    )
    assert [text.decode() for text in canonical.contents.bytes_contents] == [one["canonical"] for one in expected]


def test_grpc_solves_on_request(server: Any) -> None:
    request = _grpc_request(b"x*exp(x**2)")
    request.parameters["solve"].bool_param = True
    with grpc.insecure_channel(server.grpc_address) as channel:
        reply = GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=30)
    outputs = {output.name: output.contents for output in reply.outputs}
    assert list(outputs["solution_antiderivative"].bytes_contents) == [b"exp(x**2)/2"]
    assert list(outputs["solution_verified"].bool_contents) == [True]


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (_grpc_request(b"x", b"x**9**9**9**9"), grpc.StatusCode.INVALID_ARGUMENT, "instance 1: "),
        (_grpc_request(b"\xff"), grpc.StatusCode.INVALID_ARGUMENT, "instance 0: not UTF-8"),
        (_grpc_request(b"x", model_name="other"), grpc.StatusCode.NOT_FOUND, "other"),
        (_grpc_request(b"x" * 300_000), grpc.StatusCode.RESOURCE_EXHAUSTED, "larger than max"),
    ],
)
def test_grpc_says_what_is_wrong(
    server: Any, request_: messages.ModelInferRequest, code: grpc.StatusCode, reason: str
) -> None:
    with grpc.insecure_channel(server.grpc_address) as channel, pytest.raises(grpc.RpcError) as raised:
        GRPCInferenceServiceStub(channel).ModelInfer(request_, timeout=20)
    assert (raised.value.code(), reason in raised.value.details()) == (code, True)


def test_no_client_can_unload_the_model(server: Any) -> None:
    assert server.client.post("/v2/repository/models/intclass/unload").status_code == 404
    unload = messages.RepositoryModelUnloadRequest(model_name="intclass")
    with grpc.insecure_channel(server.grpc_address) as channel, pytest.raises(grpc.RpcError) as raised:
        GRPCInferenceServiceStub(channel).RepositoryModelUnload(unload, timeout=20)
    assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert server.client.get("/v2/models/intclass/ready").status_code == 200


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_is_refused_quickly_with_its_place(server: Any, text: str) -> None:
    start = time.monotonic()
    response = server.client.post(PREDICT, json={"instances": ["x", text]})
    assert time.monotonic() - start < 2
    assert response.status_code == 400
    assert response.json()["error"].startswith("instance 1: ")
    assert len(response.json()["error"]) < 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("POST", PREDICT, b"{", 400, "the body is not JSON"),
        ("POST", PREDICT, b'{"instances": 1}', 400, 'send {"instances"'),
        ("POST", PREDICT, json.dumps({"instances": ["x"] * 257}).encode(), 400, "257 instances, but at most 256"),
        ("POST", PREDICT, json.dumps({"instances": ["x" * 1_000_000]}).encode(), 413, "at most 262144 are taken"),
        ("POST", INFER, b"{", 400, "not a V2 inference request"),
        ("POST", INFER, b'{"inputs": []}', 400, "send one input tensor"),
        ("POST", "/v1/models/other:predict", b'{"instances": ["x"]}', 404, "other"),
        ("POST", "/v2/models/other/infer", b'{"inputs": []}', 404, "other"),
        ("GET", "/v1/models/other", b"", 404, "other"),
        ("GET", "/nowhere", b"", 404, "Not Found"),
        ("DELETE", PREDICT, b"", 405, "Method Not Allowed"),
    ],
)
def test_a_bad_request_gets_a_4xx_with_the_reason(
    server: Any, method: str, path: str, body: bytes, status: int, reason: str
) -> None:
    response = server.client.request(method, path, content=body)
    assert response.status_code == status
    assert reason in response.json()["error"]


def test_requests_that_come_together_share_forward_passes_and_get_their_own_answers(server: Any) -> None:
    crowd = [f"x**{power}*exp(x) + {power}*sin({power}*x)" for power in range(2, 42)]
    filler = [f"exp({number}*x)" for number in range(256)]  # keeps the model busy while the others arrive
    alone = [ask_v1(server.client, [integrand])[0] for integrand in crowd]
    before = _metric(server.client, "intclass_batch_size_count")

    async def together() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.client.base_url, timeout=30, trust_env=False) as client:
            requests = [
                client.post(PREDICT, json={"instances": texts}) for texts in (filler, *([one] for one in crowd))
            ]
            return await asyncio.gather(*requests)

    answers = [response.json()["predictions"][0] for response in asyncio.run(together())[1:]]
    assert [one["canonical"] for one in answers] == [one["canonical"] for one in alone]
    assert [one["probability"] for one in answers] == pytest.approx([one["probability"] for one in alone], abs=1e-5)
    passes = _metric(server.client, "intclass_batch_size_count") - before
    assert passes < len(filler) / 16 + len(crowd)


def test_prometheus_sees_latency_batches_labels_and_refusals(server: Any) -> None:
    failures = _metric(server.client, "intclass_parse_failures_total")
    server.client.post(PREDICT, json={"instances": ["x", "x +"]})
    server.client.post(PREDICT, json={"instances": ["x"]})
    assert _metric(server.client, "intclass_parse_failures_total") == failures + 1
    route = 'route="/v1/models/{model_name}:predict"'
    for status in (200, 400):
        assert _metric(server.client, f'intclass_http_request_seconds_count{{{route},status="{status}"}}') >= 1
    server.client.post(PREDICT, json={"instances": ["x"], "solve": True})
    text = server.client.get("/metrics").text
    assert 'intclass_solutions_total{label="elementary",reason="antiderivative",verified="true"}' in text
    assert 'intclass_agreements_total{agrees="' in text
    assert _metric(server.client, "intclass_solves_waiting") == 0
    assert 'intclass_predictions_total{label="' in text
    assert 'request_predict_seconds_bucket{le="0.005",model_name="intclass"}' in text
    assert _metric(server.client, "intclass_http_requests_inside") == 1  # this one


def test_the_log_has_the_request_id_and_a_fingerprint_but_never_the_input(server: Any) -> None:
    response = server.client.post(PREDICT, json={"instances": ["cosh(tanh(x))"]}, headers={"x-request-id": "night-7"})
    assert response.headers["x-request-id"] == "night-7"
    server.client.post(PREDICT, json={"instances": ["gibberish"]})
    server.client.get("/gibberish?q=cosh")
    lines = [line for line in server.log.splitlines() if "id=night-7 " in line]
    assert any(re.search(r"instances=1 fingerprints=[0-9a-f]{16}$", line) for line in lines)
    assert any("POST /v1/models/{model_name}:predict 200" in line for line in lines)
    assert not re.search("cosh|gibberish", server.log)
