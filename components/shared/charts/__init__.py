"""Charts as inline SVG, for every page of the project."""

from __future__ import annotations

from intclass.components.shared.charts._bars import Bar, Part, Series, column_chart, log_histogram, row_chart
from intclass.components.shared.charts._dot_chart import MAX_LABEL, Mark, Row, dot_chart
from intclass.components.shared.charts._plot import WIDTH, Anchor, Axis, Margins, Plot, Point, round_axis, share_axis

__all__ = [
    "MAX_LABEL",
    "WIDTH",
    "Anchor",
    "Axis",
    "Bar",
    "Margins",
    "Mark",
    "Part",
    "Plot",
    "Point",
    "Row",
    "Series",
    "column_chart",
    "dot_chart",
    "log_histogram",
    "round_axis",
    "row_chart",
    "share_axis",
]
