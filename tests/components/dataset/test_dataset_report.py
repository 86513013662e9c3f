"""The report: one file, well formed, safe, with the run's own numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from intclass.components.dataset import DatasetConfig, build_dataset
from intclass.components.shared.manifest import read_manifest, write_manifest
from intclass.components.shared.records import OUTCOMES, write_table
from tests.page import Page

Make = Callable[..., Any]
HOSTILE = '<script>alert("x")</script>'


def build(folder: Path, rows: list[dict[str, Any]], config: DatasetConfig | None = None) -> str:
    write_table(folder / "o", rows, OUTCOMES)
    settings = {"engines": ["fricas", "sympy"], "limit_seconds": 1.0, "journal": "/secret/place"}
    write_manifest(folder / "o", "integrate", config=settings)
    build_dataset([folder / "o"], folder / "d", config or DatasetConfig())
    return (folder / "d" / "report.html").read_text()


@pytest.fixture
def rows(outcomes: Make, outcome: Make, answer: Make) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = outcomes(110)
    asked = [answer("fricas", "unevaluated"), answer("sympy", "solved", seconds=0.02)]
    made += [outcome("x*exp(x)", "elementary", index=300, generator="parts", answers=asked)]
    made += [outcome("tan(x)", "unknown", index=301, reason=f"timeout: {HOSTILE}, killed after 1.5 s")]
    return made


def test_it_nests_and_brings_everything_with_it(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    text = build(tmp_path, rows)
    page = Page(text)
    assert page.open == []
    assert not re.search(r"""(src|href)=["']|url\(|@import""", text)
    assert len(page.all("svg")) == 7  # origins, sizes, splits, nodes, seconds, two engines
    assert all(picture["role"] == "img" and picture["aria-label"] for picture in page.all("svg"))


def test_the_numbers_are_the_runs(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    words = " ".join(Page(build(tmp_path, rows)).words)
    counts = read_manifest(tmp_path / "d").counts
    assert f"111 functions with a known answer, {100 * counts['elementary'] / 111:.0f}" in words
    assert "1 functions were given to a second engine; on 1 answers contradict" in words
    assert "1 contradictions or failed checks; right: sympy 1" in words
    assert "1 functions (0.9 %) have no label. By kind: timeout 1." in words.replace("\N{NO-BREAK SPACE}", " ")


def test_words_of_others_are_escaped_and_paths_stay_out(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    text = build(tmp_path, rows)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "/secret/place" not in text
    assert str(tmp_path) not in text


def test_the_same_outcomes_give_the_same_page(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    assert build(tmp_path / "a", rows) == build(tmp_path / "b", rows)


def test_held_out_splits_are_shown(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    words = Page(build(tmp_path, rows, DatasetConfig(hold_out_generators=("parts",)))).words
    assert "test held out by generator" in words


def test_without_engines_there_is_no_time_and_nothing_to_compare(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    text = build(tmp_path, [row | {"answers": [], "internal_nodes": None} for row in rows])
    assert "How long did it take?" not in text
    assert "No function was given to two engines" in text
    assert len(Page(text).all("svg")) == 3
