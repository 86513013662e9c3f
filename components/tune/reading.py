"""A search space as a YAML file, in which each line is an option of finetune.

learning_rate: {min: 1e-4, max: 1e-2, log: true}
batch_tokens: [512, 1024, 2048]
optimizer: [adamw, sgd]
weight_decay: {min: 0.0, max: 0.3, step: 0.05, when: {optimizer: adamw}}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError
from intclass.components.tune.space import Choice, Condition, Domain, Parameter, SearchSpace, Value, range_for

BUILT_IN: Final = ("small", "pretrained")  # files beside this one
_NUMBERS: Final = ("min", "max", "step")
_WORDS: Final = frozenset({*_NUMBERS, "log", "options", "when"})


def read_space(name: str | Path) -> SearchSpace:
    """The space of a file, local or gs://, or one of BUILT_IN; raises ConfigError or StorageError if it is none."""
    path = Path(__file__).with_name(f"{name}.yaml") if name in BUILT_IN else name
    return parse_space(storage.read_text(path), source=str(name))


def parse_space(text: str, *, source: str) -> SearchSpace:
    """The space that the YAML text says; raises ConfigError with the source's name."""
    try:
        entries = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: not YAML: {error}") from error
    if not isinstance(entries, dict):
        raise ConfigError(f"{source}: write one option of `intclass finetune` on each line, as `dropout: [0.0, 0.1]`")
    try:
        return SearchSpace(tuple(_parameter(str(name), entry) for name, entry in entries.items()))
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def _parameter(name: str, entry: Any) -> Parameter:  # noqa: ANN401 - whatever YAML holds
    if isinstance(entry, list):
        entry = {"options": entry}
    if not isinstance(entry, dict) or not {*entry} <= _WORDS or (("options" in entry) == ("min" in entry)):
        raise ConfigError(f"{name}: write a list of values, or {{min: ..., max: ...}} with log or step")
    return Parameter(name, _domain(name, entry), _condition(name, entry.get("when")))


def _domain(name: str, entry: Mapping[str, Any]) -> Domain:
    if "options" in entry:
        options = entry["options"]
        if not isinstance(options, list) or _range_words(entry):
            raise ConfigError(f"{name}: options are a list, without {', '.join([*_NUMBERS, 'log'])}")
        return Choice(tuple(_plain(name, option) for option in options))
    if "max" not in entry:
        raise ConfigError(f"{name}: a range has min and max")
    numbers = {word: _number(name, entry[word]) for word in _NUMBERS if word in entry}
    return range_for(name, numbers, log=bool(entry.get("log", False)))


def _range_words(entry: Mapping[str, Any]) -> set[str]:
    """The words of a range in an entry."""
    return {*entry} & {*_NUMBERS, "log"}


def _condition(name: str, entry: Any) -> Condition | None:  # noqa: ANN401
    if entry is None:
        return None
    if not isinstance(entry, dict) or len(entry) != 1:
        raise ConfigError(f"{name}: write when as {{OTHER: option}} or {{OTHER: [option, option]}}")
    [(other, options)] = entry.items()
    options = options if isinstance(options, list) else [options]
    return Condition(str(other), tuple(_plain(name, option) for option in options))


def _plain(name: str, value: Any) -> Value:  # noqa: ANN401
    if not isinstance(value, bool | int | float | str):
        raise ConfigError(f"{name}: {value!r} is neither a number nor a word")
    return value


def _number(name: str, value: Any) -> float:  # noqa: ANN401
    """A number; YAML takes 1e-4, which has no point, for a word."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ConfigError(f"{name}: {value!r} is no number") from None
