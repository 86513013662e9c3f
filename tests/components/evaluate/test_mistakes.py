from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from intclass.components.evaluate.mistakes import Side, mathml, worst_mistakes

LABELS = ("nonelementary", "elementary")


def _row(probability: float, label: int, **fields: Any) -> dict[str, Any]:
    predicted = int(probability >= 0.5)
    return {
        "id": f"{probability}",
        "canonical": "sin(x)",
        "num_nodes": 2,
        "reason": "proved",
        "label": label,
        "probability": probability,
        "predicted": predicted,
        "correct": predicted == label,
    } | fields


def _said(side: Side) -> list[str]:
    return [row.said.replace("\N{NO-BREAK SPACE}", " ") for row in side.rows]


def test_the_surest_mistakes_come_first_and_right_answers_never() -> None:
    rows = [_row(0.6, 0), _row(0.99, 0), _row(0.999, 1), _row(0.2, 1), _row(0.3, 1), _row(0.9, 0)]
    let_through, missed = worst_mistakes(rows, LABELS, count=2)
    assert let_through.title == "Called elementary, but nonelementary"
    assert _said(let_through) == ["elementary, 99.0 % sure", "elementary, 90.0 % sure"]
    assert _said(missed) == ["nonelementary, 80.0 % sure", "nonelementary, 70.0 % sure"]
    assert (missed.rows[0].size, missed.rows[0].reason) == ("2 nodes", "proved")


def test_no_mistakes_is_no_error() -> None:
    assert [side.rows for side in worst_mistakes([_row(0.9, 1)], LABELS, count=5)] == [(), ()]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x**2/sqrt(1 + x**3)", ["<mfrac>", "<msqrt>", "<msup>"]),
        ("exp(x)*sin(x)", ["<msup>", "<mi>sin</mi>"]),
        ("log(x) - 3", ["<mi>ln</mi>", "<mo>\u2212</mo>"]),
    ],
)
def test_mathematics_is_set_as_mathml(text: str, parts: list[str]) -> None:
    markup = mathml(text)
    for part in parts:
        assert part in markup
    assert ElementTree.fromstring(markup).tag == "math"  # well formed


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", 'x" onload="alert(1)', "x +", ""])
def test_text_that_is_no_expression_is_shown_escaped(text: str) -> None:
    markup = mathml(text)
    assert markup.startswith("<code>")
    assert ElementTree.fromstring(markup).text == (text or None)
