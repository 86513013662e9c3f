"""The worst mistakes: where the model was surest and wrong, set as mathematics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from intclass.components.shared import expressions
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.phrases import percent


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One wrong answer: the integrand as MathML, and a line about it."""

    markup: Markup
    said: str
    size: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Side:
    """The mistakes of one kind: `title` says which, `rows` are in falling confidence."""

    title: str
    rows: tuple[Mistake, ...]


def worst_mistakes(rows: Sequence[Mapping[str, Any]], labels: tuple[str, str], *, count: int) -> tuple[Side, Side]:
    """At most `count` mistakes of either kind from rows of the predictions table."""
    negative, positive = labels
    wrong = sorted((row for row in rows if not row["correct"]), key=lambda row: (-_confidence(row), row["id"]))

    def side(title: str, label: int) -> Side:
        found = [row for row in wrong if row["label"] == label][:count]
        return Side(title=title, rows=tuple(_mistake(row, labels) for row in found))

    return side(f"Called {positive}, but {negative}", 0), side(f"Called {negative}, but {positive}", 1)


def mathml(text: str) -> Markup:
    """The expression as a MathML element; text that is no expression, as escaped code."""
    try:
        return Markup(expressions.formula_trusted(text).mathml)  # noqa: S704 - its own elements, texts escaped
    except ExpressionError:
        return Markup("<code>{}</code>").format(text)


def _mistake(row: Mapping[str, Any], labels: tuple[str, str]) -> Mistake:
    said = labels[int(row["predicted"])]
    return Mistake(
        markup=mathml(row["canonical"]),
        said=f"{said}, {percent(_confidence(row), 1)} sure",
        size=f"{row['num_nodes']} nodes",
        reason=row["reason"],
    )


def _confidence(row: Mapping[str, Any]) -> float:
    probability = float(row["probability"])
    return max(probability, 1 - probability)
