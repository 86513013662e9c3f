"""Whether an object is one of its kind: CRD schemas for custom objects, the official client's models for built-in ones.

What a real API server drops or ignores, an unknown field, is refused here, so that a slip of the pen never passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes.client
import yaml

from tests.cluster.errors import invalid
from tests.cluster.resources import WORKFLOWS, Object, Resource

CRDS: Final = Path(__file__).parent.parent / "data" / "crds"
_META: Final = {"type": "object"}  # the API server's own checks of metadata are below
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_LABEL: Final = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def admit(resource: Resource, thing: Object) -> None:
    """Fill in the defaults of a custom object's schema; raises ApiError 422 if the object does not follow it."""
    causes = list(_metadata_causes(thing["metadata"]))
    schema = crd_schema(resource)
    if schema is not None:
        fill_defaults(thing, schema)
        causes += schema_causes(thing, schema)
    elif resource != WORKFLOWS:
        causes += model_causes(thing, f"V1{resource.kind}" if resource.kind != "Event" else "CoreV1Event")
    if causes:
        raise invalid(resource, thing["metadata"].get("name", ""), causes)


@cache
def crd_schema(resource: Resource) -> dict[str, Any] | None:
    """The JSON schema of a custom object, or None for a kind without a CRD here."""
    path = CRDS / f"{resource.group}_{resource.plural}.yaml"
    if not path.exists():
        return None
    crd = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    [version] = [version for version in crd["spec"]["versions"] if version["name"] == resource.version]
    schema: dict[str, Any] = _strict(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = _META
    return schema


def schema_causes(thing: Object, schema: dict[str, Any]) -> list[str]:
    """What is wrong with the object, each as `spec.x: Invalid value: ...`."""
    return [_cause(error) for error in jsonschema.Draft7Validator(schema).iter_errors(thing)]


def model_causes(thing: Any, model: str, path: str = "") -> list[str]:
    """Unknown fields of a built-in object, at any depth, and required ones that are missing."""
    if nested := re.fullmatch(r"list\[(.*)\]|dict\(str, (.*)\)", model):
        values = enumerate(thing) if isinstance(thing, list) else thing.items()
        kind = nested[1] or nested[2]
        return [cause for key, value in values for cause in model_causes(value, kind, f"{path}[{key}]")]
    cls = getattr(kubernetes.client.models, model, None)
    if cls is None:
        return []
    fields = {json: cls.openapi_types[name] for name, json in cls.attribute_map.items()}
    causes = [f"{path}.{key}: unknown field".lstrip(".") for key in thing if key not in fields]
    causes += [f"{path}.{key}: Required value".lstrip(".") for key in _required(cls) if key not in thing]
    for key, value in thing.items():
        if key in fields and value is not None:
            causes += model_causes(value, fields[key], f"{path}.{key}".lstrip("."))
    return causes


@cache
def _required(cls: Any) -> frozenset[str]:
    """The fields that the model does not let be None."""
    model = cls.__new__(cls)
    model.local_vars_configuration = kubernetes.client.Configuration()
    required = set()
    for name, json in cls.attribute_map.items():
        try:
            setattr(model, name, None)
        except ValueError:
            required.add(json)
    return frozenset(required)


def fill_defaults(thing: Any, schema: dict[str, Any]) -> None:
    """Write the schema's defaults into the object, at any depth, as the API server does."""
    if isinstance(thing, dict):
        for key, inner in schema.get("properties", {}).items():
            if key not in thing and "default" in inner:
                thing[key] = inner["default"]
        for key, value in thing.items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            if isinstance(inner, dict):
                fill_defaults(value, inner)
    elif isinstance(thing, list):
        for value in thing:
            fill_defaults(value, schema.get("items", {}))


def _strict(node: Any) -> Any:
    """OpenAPI as Kubernetes writes it, as JSON schema that refuses unknown fields."""
    if isinstance(node, list):
        return [_strict(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    result = {key: _strict(value) for key, value in node.items()}
    if node.get("x-kubernetes-int-or-string") is True:
        result.pop("type", None)
        result["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    closed = isinstance(node.get("properties"), dict) and not node.get("x-kubernetes-preserve-unknown-fields")
    if closed and "additionalProperties" not in node and node.get("type") == "object":
        result["additionalProperties"] = False
    return result


def _cause(error: jsonschema.ValidationError) -> str:
    path = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "type":
        found = {"str": "string", "int": "integer", "dict": "object", "list": "array", "bool": "boolean"}
        name = found.get(type(error.instance).__name__, "null")
        return f'{path}: Invalid value: "{name}": {path} in body must be of type {error.validator_value}: "{name}"'
    return f"{path}: {error.message}" if path else str(error.message)


def _metadata_causes(meta: dict[str, Any]) -> Iterator[str]:
    name = meta.get("name")
    if not name:
        yield "metadata.name: Required value: name or generateName is required"
    elif not _NAME.fullmatch(name):
        yield f'metadata.name: Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case ...'
    for key, value in (meta.get("labels") or {}).items():
        if not isinstance(value, str) or not _LABEL.fullmatch(value):
            yield f'metadata.labels: Invalid value: "{value}": a valid label must be an empty string or consist of ...'
        if len(key.rpartition("/")[2]) > 63:
            yield f'metadata.labels: Invalid value: "{key}": name part must be no more than 63 characters'
