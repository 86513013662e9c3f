"""The Grafana dashboard asks for metrics that the server has."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

_NAME = re.compile(r"\b(?:intclass|request|process)_[a-z_]+")
_LABELS = re.compile(r"([a-z_]+)\{([^}]*)\}")
_ADDED_BY_PROMETHEUS = {"job", "instance"}


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    text = (files("intclass.components.serve") / "dashboard.json").read_text()
    content: dict[str, Any] = json.loads(text)
    return content


@pytest.fixture(scope="module")
def samples(server: Any) -> dict[str, set[str]]:
    """The names of all samples of a server that has predicted and solved, each with its labels."""
    body = {"instances": ["x*exp(x^2)"], "solve": True}
    assert server.client.post("/v1/models/intclass:predict", json=body).status_code == 200
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(server.client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def _queries(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_every_query_is_about_a_metric_and_labels_that_there_are(
    dashboard: dict[str, Any], samples: dict[str, set[str]]
) -> None:
    assert len(_queries(dashboard)) >= 12
    for query in _queries(dashboard):
        assert _NAME.findall(query)
        assert set(_NAME.findall(query)) <= set(samples), query
        for name, selectors in _LABELS.findall(query):
            asked = set(re.findall(r"([a-z_]+)=~?\"", selectors))
            assert asked <= samples[name] | _ADDED_BY_PROMETHEUS, query
        for names in re.findall(r"by \(([^)]*)\)", query):
            known = {label for name in _NAME.findall(query) for label in samples[name]}
            assert set(names.split(", ")) <= known | _ADDED_BY_PROMETHEUS, query


def test_every_metric_of_ours_is_shown(dashboard: dict[str, Any], samples: dict[str, set[str]]) -> None:
    shown = " ".join(_queries(dashboard))
    families = {re.sub(r"_(bucket|sum|count|created|total)$", "", name) for name in samples}
    assert {name for name in families if name.startswith("intclass_")} == {
        name for name in families if name.startswith("intclass_") and name in shown
    }


def test_panels_lie_side_by_side(dashboard: dict[str, Any]) -> None:
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]}
    assert len(places) == len(dashboard["panels"]) == len({panel["id"] for panel in dashboard["panels"]})
