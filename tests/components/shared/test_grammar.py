from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from intclass.components.shared import storage
from intclass.components.shared.errors import GrammarError, StorageError
from intclass.components.shared.grammar import (
    BINARY_OPERATORS,
    BUILT_IN,
    UNARY_OPERATORS,
    GeometricIntegers,
    Grammar,
    UniformIntegers,
    load,
    parse_grammar,
)

OWN: dict[str, Any] = {
    "name": "rational-2",
    "unary": {"pow2": 1.5, "neg": 1},
    "binary": {"add": 2, "div": 1},
    "leaves": {"x": 3, "integer": 1},
    "integers": {"uniform": [-9, 9]},
}


def changed(**changes: Any) -> str:
    return yaml.safe_dump({**OWN, **changes})


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_is_written_in_the_form_that_users_write(name: str, tmp_path: Path) -> None:
    grammar = load(name)
    assert grammar.name == name
    copy = tmp_path / "copy.yaml"
    copy.write_text(grammar.to_yaml())
    assert load(copy) == grammar
    assert load(str(copy)).fingerprint == grammar.fingerprint


def test_the_first_authors_grammar() -> None:
    grammar = load("intclass")
    assert grammar.unary == dict.fromkeys(["log", "exp", "sin", "cos", "tan", "sqrt", "asin", "acos", "atan"], 1)
    assert grammar.binary == dict.fromkeys(["add", "sub", "mul", "div", "pow"], 1)
    assert grammar.leaves == {"x": 0.5, "integer": 0.5}
    assert isinstance(grammar.integers, GeometricIntegers)
    assert grammar.integers.p == pytest.approx(0.632, abs=5e-4)


def test_lample_and_chartons_grammar() -> None:
    grammar = load("lample-charton")
    assert grammar.binary == {"add": 10, "sub": 3, "mul": 10, "div": 5}
    frequent = {"sqrt": 4, "pow2": 4, "pow3": 2, "log": 4, "exp": 4, "sin": 4, "cos": 4, "tan": 4}
    rare = ["pow4", "pow5", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"]
    assert grammar.unary == {**frequent, **dict.fromkeys(rare, 1)}
    assert grammar.leaves == {"x": 0.75, "integer": 0.25}
    assert grammar.integers == UniformIntegers(1, 5)


def test_a_users_grammar_from_disk_and_bucket(storage_root: str) -> None:
    path = storage.join(storage_root, "own.yaml")
    storage.write_text(path, changed())
    assert load(path) == Grammar(
        name="rational-2",
        unary={"pow2": 1.5, "neg": 1},
        binary={"add": 2, "div": 1},
        leaves={"x": 3, "integer": 1},
        integers=UniformIntegers(-9, 9),
    )


def test_a_grammar_may_lack_unary_or_binary_operators() -> None:
    assert parse_grammar(changed(unary=None), source="t").unary == {}
    without = {name: section for name, section in OWN.items() if name != "binary"}
    assert parse_grammar(yaml.safe_dump(without), source="t").binary == {}


def test_every_change_changes_the_fingerprint() -> None:
    changes: list[dict[str, Any]] = [{}, {"name": "b"}, {"unary": {"pow2": 2}}, {"integers": {"uniform": [1, 9]}}]
    fingerprints = {parse_grammar(changed(**change), source="t").fingerprint for change in changes}
    assert len(fingerprints) == len(changes)
    assert all(len(fingerprint) == 16 for fingerprint in fingerprints)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "My Grammar"}, "name: 'My Grammar' is not a name: lower-case"),
        ({"name": None}, "name: None is not a name"),
        ({"unary": {"sine": 1}}, f"unary: no such name 'sine'; there are {', '.join(UNARY_OPERATORS)}"),
        ({"binary": {"sin": 1}}, f"binary: no such name 'sin'; there are {', '.join(BINARY_OPERATORS)}"),
        ({"unary": {"sin": 0}}, "unary: sin: the weight 0 is not a finite number above 0"),
        ({"unary": {"sin": -1}}, "unary: sin: the weight -1 is not"),
        ({"unary": {"sin": "4"}}, "unary: sin: the weight '4' is not"),
        ({"unary": {"sin": True}}, "unary: sin: the weight True is not"),
        ({"unary": {"sin": float("nan")}}, "unary: sin: the weight nan is not"),
        ({"unary": {"sin": float("inf")}}, "unary: sin: the weight inf is not"),
        ({"unary": ["sin"]}, "unary: expected 'name: value' lines, not ['sin']"),
        ({"unary": None, "binary": None}, "at least one operator under 'unary' or 'binary'"),
        ({"leaves": {"integer": 1}}, "leaves: 'x' is missing"),
        ({"leaves": {"x": 1, "y": 1}}, "leaves: no such name 'y'; there are x, integer"),
        ({"integers": 5}, "integers: 5 is neither 'uniform: [low, high]' nor 'geometric: p'"),
        ({"integers": {"uniform": [1, 5], "geometric": 0.5}}, "is neither"),
        ({"integers": {"uniform": [5, 1]}}, "integers: uniform: 5 is above 1"),
        ({"integers": {"uniform": [1, 2.5]}}, "2.5 is not an integer from -1000 to 1000"),
        ({"integers": {"uniform": [1, 10**6]}}, "1000000 is not an integer from -1000 to 1000"),
        ({"integers": {"geometric": 0}}, "integers: geometric: 0 is not a probability from 0.1 to 1"),
        ({"integers": {"geometric": "half"}}, "'half' is not a probability"),
        ({"size": 3}, "no such section 'size'; there are name, unary, binary, leaves, integers"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_grammar(changed(**changes), source="own.yaml")
    assert str(caught.value).startswith("own.yaml: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("section", ["name", "leaves", "integers"])
def test_a_missing_section_is_named(section: str) -> None:
    text = yaml.safe_dump({name: value for name, value in OWN.items() if name != section})
    with pytest.raises(GrammarError, match=f"section '{section}' is missing"):
        parse_grammar(text, source="own.yaml")


@pytest.mark.parametrize("content", [b"name: [", b"\xff\xfe\x00", b"just text", b""])
def test_what_is_no_grammar_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.yml"
    path.write_bytes(content)
    with pytest.raises(GrammarError, match=r"broken\.yml: "):
        load(path)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(GrammarError, match="no grammar 'lample': there are intclass, lample-charton, or the path"):
        load("lample")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.yaml: no such file"):
        load(tmp_path / "none.yaml")
