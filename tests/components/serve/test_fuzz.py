"""Whatever is sent, the server says what is wrong with it: never a 5xx, never a hang."""

from __future__ import annotations

import json
import struct
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

PATHS = ["/v1/models/intclass:predict", "/v2/models/intclass/infer", "/v2/models/intclass/infer?x=1"]
LENGTH_HEADER = "inference-header-content-length"
_ANSWERS = (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)

_mathematics = st.text(
    alphabet="x0123456789+-*/^().,eEpisncolgtaqr _'\"\\[]{}=<>!~@|&:;\n\t\x00\u222b\u00b2", max_size=60
)
_text = _mathematics | st.text(max_size=20)
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | _text
_json = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4), max_leaves=12
)
_unsolved = st.just(False) | _json.filter(lambda value: value is not True)  # solvers take their time
_tensors = st.fixed_dictionaries(
    {"name": st.just("integrand") | _json, "shape": st.lists(st.integers(-2, 3), max_size=3) | _json},
    optional={
        "datatype": st.just("BYTES") | st.sampled_from(["FP16", "BOOL", ""]) | _json,
        "data": st.lists(_text, max_size=3) | _json,
        "parameters": st.fixed_dictionaries({"binary_data_size": st.integers(-1, 40) | _json}) | _json,
    },
)
_outputs = st.fixed_dictionaries(
    {"name": st.sampled_from(["label", "probability", "canonical", "other"]) | _json},
    optional={"parameters": st.fixed_dictionaries({"binary_data": st.booleans() | _json}) | _json},
)
_envelopes = (
    st.fixed_dictionaries({"instances": st.lists(_text | _json, max_size=4) | _json}, optional={"solve": _unsolved})
    | st.fixed_dictionaries(
        {"inputs": st.lists(_tensors, max_size=2) | _json},
        optional={
            "id": _text | _json,
            "outputs": st.lists(_outputs, max_size=3) | _json,
            "parameters": st.dictionaries(st.sampled_from(["binary_data_output", "solve"]), st.just(False) | _json)
            | _json,
        },
    )
    | _json
)
_texts_with_lengths = st.lists(_text, max_size=3).map(
    lambda texts: b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)
)
_tails = st.binary(max_size=20) | _texts_with_lengths
_unicode = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
_headers = st.dictionaries(
    st.sampled_from(["content-type", "x-request-id", "ce-specversion", "ce-id", "ce-type", "accept", LENGTH_HEADER]),
    st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(str.strip)
    | st.sampled_from(["application/json", "application/octet-stream", "application/cloudevents+json", "1.0", "7"]),
    max_size=3,
)


@st.composite
def _requests(draw: st.DrawFn) -> tuple[str, bytes, dict[str, str]]:
    path, headers = draw(st.sampled_from(PATHS)), draw(_headers)
    if draw(st.integers(0, 9)) == 0:
        return path, draw(st.binary(max_size=60)), headers
    head = json.dumps(draw(_envelopes)).encode()
    if draw(st.booleans()):
        return path, head, headers
    return path, head + draw(_tails), headers | {LENGTH_HEADER: str(len(head))}


def _check(server: Any, request: tuple[str, bytes, dict[str, str]]) -> None:
    path, body, headers = request
    response = server.client.post(path, content=body, headers=headers, timeout=5)
    assert response.status_code in (200, 400), (request, response.text)
    if response.status_code == 400:
        assert response.json()["error"], request


def _raw(draw: st.DrawFn) -> bytes:
    return draw(st.binary(max_size=20) | _texts_with_lengths)


@st.composite
def _messages(draw: st.DrawFn) -> messages.ModelInferRequest:
    request = messages.ModelInferRequest(
        model_name=draw(st.just("intclass") | _unicode), model_version=draw(_unicode), id=draw(_unicode)
    )
    for _ in range(draw(st.integers(0, 2))):
        tensor = request.inputs.add(
            name=draw(st.just("integrand") | _unicode),
            datatype=draw(st.just("BYTES") | st.sampled_from(["FP32", "BOOL", ""]) | _unicode),
            shape=draw(st.lists(st.integers(-2, 3), max_size=3)),
        )
        tensor.contents.bytes_contents.extend(draw(st.lists(_text.map(str.encode) | st.binary(max_size=9), max_size=3)))
        tensor.contents.fp32_contents.extend(draw(st.lists(st.floats(width=32), max_size=2)))
        if draw(st.booleans()):
            tensor.parameters["binary_data_size"].int64_param = draw(st.integers(-1, 40))
    for _ in range(draw(st.integers(0, 2))):
        output = request.outputs.add(name=draw(st.sampled_from(["label", "probability", "other", ""])))
        output.parameters["binary_data"].bool_param = draw(st.booleans())
    request.raw_input_contents.extend(_raw(draw) for _ in range(draw(st.integers(0, 2))))
    parameter = request.parameters["solve"]
    if draw(st.booleans()):
        parameter.bool_param = False
    else:
        parameter.string_param = draw(_unicode)
    return request


def _check_grpc(server: Any, request: messages.ModelInferRequest) -> None:
    with grpc.insecure_channel(server.grpc_address) as channel:
        call = GRPCInferenceServiceStub(channel).ModelInfer.future(request, timeout=5)
        assert call.code() in _ANSWERS, (request, call)
        assert call.code() == grpc.StatusCode.OK or call.details(), request


_SETTINGS: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "phases": [Phase.generate, Phase.shrink],
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=150, **_SETTINGS)
@given(request=_requests())
def test_any_request_is_answered_or_refused(server: Any, request: tuple[str, bytes, dict[str, str]]) -> None:
    _check(server, request)


@settings(max_examples=100, **_SETTINGS)
@given(request=_messages())
def test_any_message_over_grpc_is_answered_or_refused(server: Any, request: messages.ModelInferRequest) -> None:
    _check_grpc(server, request)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, **_SETTINGS)
@given(request=_requests())
def test_ten_thousand_requests_are_answered_or_refused(server: Any, request: tuple[str, bytes, dict[str, str]]) -> None:
    _check(server, request)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(max_examples=2_000, **_SETTINGS)
@given(request=_messages())
def test_two_thousand_messages_over_grpc_are_answered_or_refused(
    server: Any, request: messages.ModelInferRequest
) -> None:
    _check_grpc(server, request)
