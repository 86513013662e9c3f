"""Pipeline arguments from text (`--set count=500`), read by the types that the compiled pipeline declares."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml

from intclass.components.shared.errors import ConfigError
from intclass.pipelines.compiling import COMPILED

# libyaml's reads a compiled pipeline in a tenth of a second, Python's own in one.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def declared_parameters(compiled: Path = COMPILED) -> dict[str, dict[str, Any]]:
    """The compiled pipeline's parameters: name -> {parameterType, description, defaultValue, ...}."""
    with compiled.open() as file:
        specification = next(yaml.load_all(file, Loader=_LOADER))
    parameters: dict[str, dict[str, Any]] = specification["root"]["inputDefinitions"]["parameters"]
    return parameters


def parse_assignments(assignments: Iterable[str], compiled: Path = COMPILED) -> dict[str, Any]:
    """`name=value` texts as arguments; raises ConfigError for an unknown name or a value of the wrong type."""
    parameters = declared_parameters(compiled)
    arguments: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals or name not in parameters:
            raise ConfigError(f"--set {assignment}: write NAME=VALUE with one of {', '.join(sorted(parameters))}")
        arguments[name] = _convert(name, text, parameters[name]["parameterType"])
    return arguments


def _convert(name: str, text: str, kind: str) -> Any:  # noqa: ANN401 - one type for each kind of parameter
    readers = {"STRING": str, "NUMBER_INTEGER": int, "NUMBER_DOUBLE": float}
    try:
        return readers.get(kind, json.loads)(text)
    except ValueError:
        raise ConfigError(f"--set {name}={text}: not a value of type {kind}") from None
