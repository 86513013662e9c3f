"""What the open inference protocols carry: integrands in, answers out. V1 is JSON; V2 comes by REST or gRPC.

V1: `{"instances": ["x*exp(x**2)", {"integrand": "exp(x**2)"}]}`. V2: one BYTES tensor named `integrand`. To have the
integrals tried as well, V1 adds `"solve": true`, V2 the request parameter `solve`, true.
Both raise kserve.errors.InvalidInput, which becomes 400 or INVALID_ARGUMENT, with the place and the rule.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from kserve import InferOutput, InferRequest, InferResponse
from kserve.constants.constants import INFERENCE_CONTENT_LENGTH_HEADER
from kserve.errors import InvalidInput
from kserve.protocol.infer_type import InferInput, deserialize_bytes_tensor, to_http_parameters
from kserve.protocol.rest.v2_datamodels import InferenceRequest, RequestInput
from pydantic import Field, ValidationError
from pydantic_core import from_json

from intclass.components.serve.solving import Solution

INPUT_NAME: Final = "integrand"
_OUTPUT_TYPES: Final = {"label": "BYTES", "probability": "FP64", "canonical": "BYTES"}
_SOLUTION_TEXTS: Final = ("label", "reason", "antiderivative", "certificate", "engine", "engine_version")
_QUOTED_CHARACTERS = 40


@dataclass(frozen=True)
class Asked:
    """What a request asks: the label of each integrand, and whether to try to integrate it."""

    integrands: list[str]
    solve: bool = False


@dataclass(frozen=True)
class Answer:
    """The model's word on one integrand: the likelier label and the probability of the positive one."""

    integrand: str
    canonical: str
    label: str
    probability: float
    solution: Solution | None = None


def describe_inputs() -> list[dict[str, Any]]:
    """The input tensors, for V2's model metadata."""
    return [{"name": INPUT_NAME, "datatype": "BYTES", "shape": [-1]}]


def describe_outputs() -> list[dict[str, Any]]:
    """The output tensors, for V2's model metadata."""
    return [{"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in _OUTPUT_TYPES.items()]


class _Tensor(RequestInput):  # type: ignore[misc] # the SDK is untyped
    data: list[Any] = Field(default_factory=list)  # a raw tensor's comes after the JSON


class _Envelope(InferenceRequest):  # type: ignore[misc]
    inputs: list[_Tensor]


def decode_v1(body: bytes) -> object:
    """The body as JSON, whatever its content type says."""
    try:
        return from_json(body)
    except ValueError as error:
        raise InvalidInput(f"the body is not JSON: {error}") from error


def decode_v2(body: bytes, json_length: str | None, model_name: str) -> InferRequest:
    """The body as a V2 request: JSON, and, where the header says how long that is, raw tensors after it."""
    head, tail = _split(body, json_length)
    try:
        envelope = _Envelope.model_validate_json(head)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InvalidInput(f"not a V2 inference request: {place + ': ' if place else ''}{first['msg']}") from error
    request = InferRequest.from_inference_request(envelope, model_name)
    for tensor in request.inputs:
        size = (tensor.parameters or {}).get("binary_data_size")
        if size is None:
            continue
        if not isinstance(size, int) or not 0 <= size <= len(tail):
            raise InvalidInput(f"input {_quoted(tensor.name)}: binary_data_size {size} with {len(tail)} bytes left")
        tensor._raw_data, tail = tail[:size], tail[size:]
    return request


def read_v1(payload: object, *, max_instances: int) -> Asked:
    """What a decoded V1 body asks."""
    if not isinstance(payload, dict) or not isinstance(payload.get("instances"), list):
        raise InvalidInput('send {"instances": ["x*exp(x**2)", ...]}')
    _refuse_unknown("the request", payload, known=("instances", "solve"))
    instances = payload["instances"]
    _check_count(len(instances), max_instances)
    return Asked([_text_of(*pair) for pair in enumerate(instances)], _flag("solve", payload.get("solve", False)))


def read_v2(request: InferRequest, *, max_instances: int) -> Asked:
    """What a V2 request asks; its tensor may have any shape of as many elements as there are texts."""
    if [tensor.name for tensor in request.inputs] != [INPUT_NAME]:
        raise InvalidInput(f"send one input tensor named '{INPUT_NAME}'")
    [tensor] = request.inputs
    if tensor.datatype != "BYTES":
        raise InvalidInput(f"input '{INPUT_NAME}': datatype {_quoted(tensor.datatype)}, but BYTES is needed")
    texts = _elements(tensor)
    _check_count(len(texts), max_instances)
    if any(length < 0 for length in tensor.shape) or np.prod(tensor.shape, dtype=object) != len(texts):
        raise InvalidInput(f"input '{INPUT_NAME}': shape {tensor.shape[:8]} does not hold {len(texts)} elements")
    parameters = to_http_parameters(request.parameters or {})
    return Asked([_text_of(*pair) for pair in enumerate(texts)], _flag("solve", parameters.get("solve", False)))


def write_v1(answers: Iterable[Answer]) -> dict[str, Any]:
    """`{"predictions": [{"integrand", "canonical", "label", "probability"}, ...]}`, and `solution` if asked for."""
    predictions = [asdict(answer) for answer in answers]
    for prediction in predictions:
        if prediction["solution"] is None:
            del prediction["solution"]
    return {"predictions": predictions}


def write_v2(answers: Sequence[Answer], request: InferRequest) -> InferResponse:
    """Output tensors of shape (n,), those that the request asks for; the id is the request's, or a new one."""
    columns = {name: [getattr(answer, name) for answer in answers] for name in _OUTPUT_TYPES}
    solutions = [answer.solution for answer in answers if answer.solution is not None]
    if solutions:
        columns |= {f"solution_{name}": [getattr(one, name) or "" for one in solutions] for name in _SOLUTION_TEXTS}
        columns["solution_verified"] = [one.verified for one in solutions]
    return InferResponse(
        response_id=request.id or str(uuid.uuid4()),
        model_name=request.model_name,
        infer_outputs=[InferOutput(name, [len(answers)], _datatype(name), column) for name, column in columns.items()],
        use_binary_outputs=request.use_binary_outputs,
        requested_outputs=request.request_outputs,
    )


def _datatype(output: str) -> str:
    return "BOOL" if output == "solution_verified" else _OUTPUT_TYPES.get(output, "BYTES")


def _split(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    if json_length is None:
        return body, b""
    if not json_length.isdecimal() or int(json_length) > len(body):
        raise InvalidInput(f"{INFERENCE_CONTENT_LENGTH_HEADER} {_quoted(json_length)}: the body has {len(body)} bytes")
    return body[: int(json_length)], body[int(json_length) :]


def _elements(tensor: InferInput) -> list[object]:
    """The tensor's elements in row-major order: strings from JSON, bytes from gRPC and raw tensors."""
    if tensor._raw_data is not None:  # as_numpy() would trust the shape, as_string() takes two dimensions only
        try:
            return list(deserialize_bytes_tensor(tensor._raw_data))
        except Exception as error:
            raise InvalidInput(f"input '{INPUT_NAME}': not a BYTES tensor: {error}") from error
    rows: list[object] = list(tensor.data)
    if rows and all(isinstance(row, list) for row in rows):
        return [element for row in rows if isinstance(row, list) for element in row]
    return rows


def _text_of(number: int, instance: object) -> str:
    if isinstance(instance, dict):
        _refuse_unknown(f"instance {number}", instance, known=(INPUT_NAME,))
        instance = instance.get(INPUT_NAME)
    if isinstance(instance, bytes):
        try:
            return instance.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"instance {number}: not UTF-8 at byte {error.start}") from error
    if not isinstance(instance, str):
        raise InvalidInput(f'instance {number}: send a string, or {{"{INPUT_NAME}": "..."}}')
    return instance


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"{name}: send true or false")
    return value


def _check_count(count: int, max_instances: int) -> None:
    if count == 0:
        raise InvalidInput("no instances: send at least one integrand")
    if count > max_instances:
        raise InvalidInput(f"{count} instances, but at most {max_instances} are taken: split the request")


def _refuse_unknown(place: str, mapping: dict[str, object], *, known: Sequence[str]) -> None:
    unknown = [key for key in mapping if key not in known]
    if unknown:
        raise InvalidInput(f"{place}: unknown key {_quoted(unknown[0])}; known: {', '.join(known)}")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS] + "...")
