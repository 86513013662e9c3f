"""Reading grammars: the built-in ones by name, a user's own from a YAML file on disk or gs://."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml

from intclass.components.shared import storage
from intclass.components.shared.errors import GrammarError
from intclass.components.shared.grammar._grammar import GeometricIntegers, Grammar, UniformIntegers

BUILT_IN: Final = ("intclass", "lample-charton")
_SECTIONS: Final = ("name", "unary", "binary", "leaves", "integers")


def load(name_or_path: str | Path) -> Grammar:
    """The built-in grammar of that name, or the grammar in that YAML file.

    Raises GrammarError, naming the file and the line of the form that is wrong; StorageError if there is no such file.
    """
    text = str(name_or_path)
    if text in BUILT_IN:
        return parse_grammar(resources.files(__package__).joinpath(f"{text}.yaml").read_text(), source=text)
    if not text.endswith((".yaml", ".yml")):
        raise GrammarError(f"no grammar '{text}': there are {', '.join(BUILT_IN)}, or the path of your own .yaml file")
    return parse_grammar(storage.read_bytes(text), source=text)


def parse_grammar(text: str | bytes, *, source: str) -> Grammar:
    """The grammar that the YAML text describes; raises GrammarError that begins with `source`."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise GrammarError(f"{source}: not YAML: {error}") from error
    try:
        return _from_data(data)
    except GrammarError as error:
        raise GrammarError(f"{source}: {error}") from error


def _from_data(data: object) -> Grammar:
    sections = _mapping(data, "a grammar")
    for name in sections:
        if name not in _SECTIONS:
            raise GrammarError(f"no such section {name!r}; there are {', '.join(_SECTIONS)}")
    for name in ("name", "leaves", "integers"):
        if name not in sections:
            raise GrammarError(f"section '{name}' is missing")
    return Grammar(
        name=sections["name"],
        unary=_mapping(sections.get("unary") or {}, "unary"),
        binary=_mapping(sections.get("binary") or {}, "binary"),
        leaves=_mapping(sections["leaves"], "leaves"),
        integers=_integers(sections["integers"]),
    )


def _integers(data: object) -> UniformIntegers | GeometricIntegers:
    match data:
        case {"uniform": [low, high], **rest} if not rest:
            return UniformIntegers(low, high)
        case {"geometric": p, **rest} if not rest:
            return GeometricIntegers(p)
    raise GrammarError(f"integers: {data!r} is neither 'uniform: [low, high]' nor 'geometric: p'")


def _mapping(data: object, what: str) -> dict[Any, Any]:
    if not isinstance(data, dict):
        raise GrammarError(f"{what}: expected 'name: value' lines, not {data!r}")
    return data
