"""Label and field selectors, as in `labelSelector=app=x,tier in (a,b)` and `fieldSelector=metadata.name=x`."""

from __future__ import annotations

import re
from typing import Any, Final

from tests.cluster.errors import bad_request
from tests.cluster.resources import Object

_CLAUSE: Final = re.compile(
    r"\s*(?:(?P<key>[\w./-]+)\s*(?:(?P<equal>==?|!=)\s*(?P<value>[\w./-]*)"
    r"|\s(?P<word>in|notin)\s*\((?P<values>[^)]*)\))?|!(?P<absent>[\w./-]+))\s*(?:,|$)"
)


def matches(thing: Object, *, labels: str = "", fields: str = "") -> bool:
    """Whether the object is one that both selectors choose; empty selectors choose all."""
    return _labels_match(thing["metadata"].get("labels") or {}, labels) and all(
        _field_matches(thing, clause) for clause in filter(None, fields.split(","))
    )


def _labels_match(labels: dict[str, str], selector: str) -> bool:
    position = 0
    while position < len(selector):
        clause = _CLAUSE.match(selector, position)
        if clause is None:
            raise bad_request(f"unable to parse requirement: found '{selector[position:]}'")
        if not _clause_matches(labels, clause):
            return False
        position = clause.end()
    return True


def _clause_matches(labels: dict[str, str], clause: re.Match[str]) -> bool:
    if clause["absent"]:
        return clause["absent"] not in labels
    key = clause["key"]
    if clause["word"]:
        among = labels.get(key) in {value.strip() for value in clause["values"].split(",")}
        return among == (clause["word"] == "in")
    if clause["equal"]:
        return (labels.get(key) == clause["value"]) == (clause["equal"] != "!=")
    return key in labels


def _field_matches(thing: Object, clause: str) -> bool:
    path, equal, value = re.split(r"(==?|!=)", clause, maxsplit=1)
    found: Any = thing
    for key in path.strip().split("."):
        found = (found or {}).get(key)
    return (str(found or "") == value.strip()) == (equal != "!=")
