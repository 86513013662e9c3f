"""Reading and writing the open inference protocols."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from kserve.errors import InvalidInput

from intclass.components.serve.protocol import Answer, Asked, decode_v1, decode_v2, read_v1, read_v2, write_v1, write_v2

ANSWERS = [Answer("x^2", "x**2", "elementary", 0.75), Answer("exp(x^2)", "exp(x**2)", "nonelementary", 0.25)]


def _tensor(**changes: Any) -> dict[str, Any]:
    return {"name": "integrand", "shape": [2], "datatype": "BYTES", "data": ["x", "sin(x)"]} | changes


def _bytes_tensor(*texts: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _raw(tail: bytes, *, size: int | None = None, **changes: Any) -> tuple[bytes, str]:
    """A V2 body with a raw tensor after its JSON, and the header that says where that begins."""
    tensor = _tensor(parameters={"binary_data_size": len(tail) if size is None else size}, **changes)
    del tensor["data"]
    head = json.dumps({"inputs": [tensor]}).encode()
    return head + tail, str(len(head))


def _read_v2(body: object) -> Asked:
    return read_v2(decode_v2(json.dumps(body).encode(), None, "intclass"), max_instances=3)


def test_v1_takes_strings_and_objects() -> None:
    body = b'{"instances": ["x*exp(x**2)", {"integrand": "exp(x^2)"}]}'
    assert read_v1(decode_v1(body), max_instances=2).integrands == ["x*exp(x**2)", "exp(x^2)"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"instances": ["\\ud800"]}', "the body is not JSON"),
        (b"[]", 'send {"instances"'),
        (b'{"instances": "x"}', 'send {"instances"'),
        (b'{"instances": []}', "no instances"),
        (b'{"instances": ["x", "x", "x", "x"]}', "4 instances, but at most 3"),
        (b'{"instances": ["x", null]}', "instance 1: send a string"),
        (b'{"instances": [{"f": "x"}]}', "instance 0: unknown key 'f'; known: integrand"),
        (b'{"instances": ["x"], "solve": 1}', "solve: send true or false"),
        (b'{"instances": ["x"], "batch": 1}', "the request: unknown key 'batch'"),
    ],
)
def test_v1_says_what_is_wrong(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_v1(decode_v1(body), max_instances=3)
    assert reason in str(raised.value)


@pytest.mark.parametrize("changes", [{}, {"shape": [2, 1], "data": [["x"], ["sin(x)"]]}, {"shape": [1, 2]}])
def test_v2_takes_a_tensor_of_any_shape(changes: dict[str, Any]) -> None:
    assert _read_v2({"inputs": [_tensor(**changes)]}) == Asked(["x", "sin(x)"])


def test_solving_is_asked_for_by_a_flag_of_the_request() -> None:
    assert read_v1({"instances": ["x"], "solve": True}, max_instances=3) == Asked(["x"], solve=True)
    assert _read_v2({"inputs": [_tensor()], "parameters": {"solve": True}}) == Asked(["x", "sin(x)"], solve=True)


def test_v2_takes_a_raw_tensor() -> None:
    body, json_length = _raw(_bytes_tensor(b"x", b"sin(x)"))
    assert read_v2(decode_v2(body, json_length, "intclass"), max_instances=3) == Asked(["x", "sin(x)"])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([], "Input should be an object"),
        ({}, "inputs: Field required"),
        ({"inputs": []}, "send one input tensor named 'integrand'"),
        ({"inputs": [_tensor(), _tensor()]}, "send one input tensor named 'integrand'"),
        ({"inputs": [_tensor(name="f")]}, "send one input tensor named 'integrand'"),
        ({"inputs": [_tensor(datatype="INT32", data=[1, 2])]}, "datatype 'INT32', but BYTES is needed"),
        ({"inputs": [_tensor(shape=[3])]}, "shape [3] does not hold 2 elements"),
        ({"inputs": [_tensor(shape=[-1, -2])]}, "shape [-1, -2] does not hold 2 elements"),
        ({"inputs": [_tensor(shape=[10**30])]}, "does not hold 2 elements"),
        ({"inputs": [_tensor(data="x")]}, "inputs.0.data: Input should be a valid array"),
        ({"inputs": [_tensor(data=["x", 3])]}, "instance 1: send a string"),
        ({"inputs": [_tensor(data=[[["x"]], [["x"]]])]}, "instance 0: send a string"),
        ({"inputs": [_tensor(shape=[4], data=["x"] * 4)]}, "4 instances, but at most 3"),
        ({"inputs": [_tensor()], "parameters": {"solve": "yes"}}, "solve: send true or false"),
        ({"inputs": [_tensor()], "id": 7}, "id: Input should be a valid string"),
    ],
)
def test_v2_says_what_is_wrong(body: object, reason: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        _read_v2(body)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ((b"{}", "abc"), "inference-header-content-length 'abc'"),
        ((b"{}", "-1"), "inference-header-content-length '-1'"),
        ((b"{}", "3"), "the body has 2 bytes"),
        (_raw(b"", size=-1), "binary_data_size -1 with 0 bytes left"),
        (_raw(b"abc", size=4), "binary_data_size 4 with 3 bytes left"),
        (_raw(b"abc"), "not a BYTES tensor"),
        (_raw(b"\xff\xff\xff\xff" + b"x"), "not a BYTES tensor"),
        (_raw(_bytes_tensor(b"x")), "shape [2] does not hold 1 elements"),
        (_raw(_bytes_tensor(b"x", b"\xff\xfe")), "instance 1: not UTF-8 at byte 0"),
    ],
)
def test_v2_says_what_is_wrong_with_raw_tensors(request_: tuple[bytes, str], reason: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_v2(decode_v2(*request_, "intclass"), max_instances=3)
    assert reason in str(raised.value)


def test_a_reason_quotes_little_of_a_long_input() -> None:
    with pytest.raises(InvalidInput) as raised:
        read_v1({"instances": ["x"], "y" * 10_000: 1}, max_instances=3)
    assert len(str(raised.value)) < 150


def test_v1_answers_with_one_object_for_each_instance() -> None:
    first, second = write_v1(ANSWERS)["predictions"]
    assert first == {"integrand": "x^2", "canonical": "x**2", "label": "elementary", "probability": 0.75}
    assert second["label"] == "nonelementary"


def test_v2_answers_with_one_tensor_for_each_column() -> None:
    request = decode_v2(json.dumps({"id": "7", "inputs": [_tensor()]}).encode(), None, "intclass")
    content, _ = write_v2(ANSWERS, request).to_rest()
    assert (content["id"], content["model_name"]) == ("7", "intclass")
    assert [(one["name"], one["datatype"], one["shape"], one["data"]) for one in content["outputs"]] == [
        ("label", "BYTES", [2], ["elementary", "nonelementary"]),
        ("probability", "FP64", [2], [0.75, 0.25]),
        ("canonical", "BYTES", [2], ["x**2", "exp(x**2)"]),
    ]


def test_v2_answers_with_the_tensors_asked_for_and_an_id_of_its_own() -> None:
    body = {"inputs": [_tensor()], "outputs": [{"name": "probability"}]}
    content, _ = write_v2(ANSWERS, decode_v2(json.dumps(body).encode(), None, "intclass")).to_rest()
    assert [one["name"] for one in content["outputs"]] == ["probability"]
    assert len(content["id"]) == 36
