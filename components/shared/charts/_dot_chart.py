"""Dot charts: one row for each value, with its interval and marks to compare it with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from intclass.components.shared.charts._plot import Axis, Margins, Plot

MAX_LABEL: Final = 46
ROW_HEIGHT: Final = 42


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A value to compare with, in a row: its CSS class, and what it is."""

    value: float
    kind: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: a value with its interval (nan: none) as a dot of the CSS class `kind`; `note` stands at its right."""

    label: str
    note: str
    value: float
    low: float
    high: float
    kind: str
    emphasis: bool = False
    marks: Sequence[Mark] = ()


def dot_chart(title: str, rows: Sequence[Row], *, axis: Axis) -> str:
    """The rows as an SVG element; each label lies above its line, so that long labels fit a narrow screen."""
    plot = Plot(
        title=title,
        description="; ".join(f"{row.label}: {row.note}" for row in rows),
        x=axis,
        y=Axis(low=0, high=len(rows)),
        height=ROW_HEIGHT * len(rows) + 30,
        margins=Margins(top=4, right=2, bottom=26, left=2),
    )
    for place, row in enumerate(reversed(rows)):
        _draw_row(plot, row, y=place + 0.32)
    return plot.markup()


def _draw_row(plot: Plot, row: Row, *, y: float) -> None:
    low, high = plot.x.low, plot.x.high
    plot.text((low, y), shortened(row.label), "label strong" if row.emphasis else "label", shift=(0, -12))
    plot.text((high, y), row.note, "note", anchor="end", shift=(0, -12))
    plot.segment((low, y), (high, y), "track")
    for mark in row.marks:
        plot.dot((mark.value, y), mark.kind, tip=f"{row.label}: {mark.what}", radius=4)
    if not math.isnan(row.low):
        plot.segment((row.low, y), (row.high, y), f"interval {row.kind}")
    plot.dot((row.value, y), f"dot {row.kind}", tip=f"{row.label}: {row.note}", radius=5.5)


def shortened(label: str) -> str:
    """The label as far as it fits above a row."""
    return label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
