"""The patches of the API: JSON merge patch (RFC 7386) and JSON patch (RFC 6902; add, replace, remove, test)."""

from __future__ import annotations

import copy
from typing import Any

from tests.cluster.errors import bad_request


def merge(target: Any, patch: Any) -> Any:
    """The target with the patch's keys laid over it; None removes a key."""
    if isinstance(patch, list) and isinstance(target, dict):
        raise bad_request("json: cannot unmarshal array into Go value of type map[string]interface {}")
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def apply(target: Any, operations: list[dict[str, Any]]) -> Any:
    """The target after the operations, one after the other."""
    result = copy.deepcopy(target)
    for operation in operations:
        *above, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        try:
            node = result
            for part in above:
                node = node[int(part) if isinstance(node, list) else part]
            _operate(node, last, operation)
        except (KeyError, IndexError, ValueError) as error:
            raise bad_request(f"the server rejected our request due to an error in our request: {error}") from None
    return result


def _operate(node: Any, last: str, operation: dict[str, Any]) -> None:
    key: Any = last if isinstance(node, dict) else len(node) if last == "-" else int(last)
    match operation["op"]:
        case "remove":
            del node[key]
        case "add" if isinstance(node, list):
            node.insert(key, operation["value"])
        case "add":
            node[key] = operation["value"]
        case "replace":
            node[key]
            node[key] = operation["value"]
        case "test":
            if node[key] != operation["value"]:
                raise ValueError(f"testing path {operation['path']} failed")
        case other:
            raise ValueError(f"operation {other} is not known")
