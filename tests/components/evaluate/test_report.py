"""The page: one file, valid, safe, complete."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from intclass.components.evaluate.baselines import BASELINES
from intclass.components.evaluate.evaluation import Evaluation
from intclass.components.evaluate.metrics import Scored
from intclass.components.evaluate.mistakes import worst_mistakes
from intclass.components.evaluate.report import Sources, render_report
from intclass.components.shared.manifest import Manifest
from tests.page import Page

HOSTILE = '</td><script>alert("x")</script><img src=x onerror=alert(1)>'


def _sources(**fields: Any) -> Sources:
    model = Manifest(stage="finetune", program="intclass 0", config={"base_model": "small", "epochs": 3} | fields)
    dataset = Manifest(stage="dataset", program="intclass 0", config={"seed": 0}, counts={"dropped_unknown": 1234})
    return Sources(model=model, dataset=dataset, bootstrap=200, seed=7)


@pytest.fixture(scope="module")
def predictions(held_out: list[dict[str, Any]], scored: dict[str, Scored]) -> list[dict[str, Any]]:
    model = scored["model"]
    answers = zip(model.probabilities, model.predicted, model.correct, strict=True)
    return [
        row | {"probability": float(p), "predicted": int(c), "correct": bool(right)}
        for row, (p, c, right) in zip(held_out, answers, strict=True)
    ]


@pytest.fixture(scope="module")
def text(evaluation: Evaluation, rows: Sequence[dict[str, Any]], predictions: list[dict[str, Any]]) -> str:
    mistakes = worst_mistakes(predictions, evaluation.labels, count=5)
    return render_report(evaluation, _sources(), examples=rows, mistakes=mistakes)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_tags_nest(page: Page) -> None:
    assert page.open == []
    assert [len(page.all(tag)) for tag in ("html", "head", "body", "main", "h1")] == [1] * 5


def test_nothing_is_loaded_and_nothing_runs(page: Page, text: str) -> None:
    assert not page.all("script") + page.all("link") + page.all("img") + page.all("iframe")
    for tag, attributes in page.tags:
        assert not attributes.keys() & {"src", "href", "srcset", "xlink:href", "action"}, tag
        assert not any(name.startswith("on") for name in attributes), tag
    assert not re.search(r"https?://|@import|url\(", text)


def test_every_picture_is_inline_and_described(page: Page) -> None:
    pictures = page.all("svg")
    assert len(pictures) >= 9
    for picture in pictures:
        assert picture["role"] == "img"
        assert len(picture["aria-label"] or "") > 20


def test_every_table_has_a_caption_and_headers(page: Page) -> None:
    assert len(page.all("table")) == len(page.all("caption")) >= 5
    for header in page.all("th"):
        assert header["scope"] in ("row", "col")


def test_identifiers_are_unique_and_sections_are_labelled(page: Page) -> None:
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    for section in page.all("section"):
        assert section["aria-labelledby"] in identifiers


def test_colours_come_from_variables_that_dark_mode_sets_too(text: str) -> None:
    style = text.partition("<style>")[2].partition("</style>")[0]
    light, dark = re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)[:2]
    colours = set(re.findall(r"--(?!serif|sans)([a-z]+):", light))
    assert colours == set(re.findall(r"--([a-z]+):", dark))
    assert "@media print" in style
    assert not re.search(r"#[0-9a-f]{3,6}", style.partition("* { box-sizing")[2].replace("--paper: #fff", ""))


def test_the_story_the_baselines_and_the_way_back_are_told(page: Page, evaluation: Evaluation) -> None:
    words = " ".join(page.words)
    assert "points above" in words or "points below" in words or "no clear lead" in words
    for baseline in BASELINES:
        assert baseline.title in words
        assert baseline.description in words
    assert "intclass evaluate MODEL DATASET --out DIR --bootstrap 200 --seed 7" in words
    assert "dropped unknown" in words
    assert "1,234" in words
    assert f"{evaluation.test_examples}" in words


def test_mistakes_are_set_as_mathematics(page: Page) -> None:
    assert page.all("math")
    assert all(attributes["display"] == "block" for attributes in page.all("math"))


def test_hostile_text_is_only_text(
    evaluation: Evaluation, rows: list[dict[str, Any]], predictions: list[dict[str, Any]]
) -> None:
    spoilt = [row | {"canonical": HOSTILE, "reason": HOSTILE} for row in predictions]
    mistakes = worst_mistakes(spoilt, evaluation.labels, count=2)
    examples = [row | {"reason": HOSTILE} for row in rows]
    page = Page(render_report(evaluation, _sources(note=HOSTILE), examples=examples, mistakes=mistakes))
    assert page.open == []
    assert not page.all("script") + page.all("img")
    assert HOSTILE in "".join(page.words)


def test_the_same_numbers_give_the_same_text(
    text: str, evaluation: Evaluation, rows: list[dict[str, Any]], predictions: list[dict[str, Any]]
) -> None:
    mistakes = worst_mistakes(predictions, evaluation.labels, count=5)
    read_back = Evaluation.from_json(evaluation.to_json())
    assert render_report(read_back, _sources(), examples=rows, mistakes=mistakes) == text


def test_a_split_without_examples_and_no_mistakes_are_no_error(
    evaluation: Evaluation, held_out: list[dict[str, Any]]
) -> None:
    page = Page(
        render_report(
            evaluation, _sources(), examples=held_out, mistakes=worst_mistakes([], evaluation.labels, count=5)
        )
    )
    assert page.words.count("None on this test split.") == 2
