"""A plot as inline SVG: two linear axes, and marks whose colours are CSS classes.

The page's style sheet colours the classes, so one picture serves light, dark and print, and its text stays text in the
page's own font. Coordinates are rounded, so the same numbers give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from xml.etree import ElementTree

from intclass.components.shared.phrases import whole_percent

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

WIDTH: Final = 460
_LABEL_GAP: Final = 8
_ROUND: Final = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A linear axis from `low` to `high`; `ticks` are written with `write`."""

    low: float
    high: float
    ticks: Sequence[float] = ()
    label: str = ""
    write: Callable[[float], str] = whole_percent

    def place(self, value: float, start: float, end: float) -> float:
        """The value's coordinate when the axis runs from `start` to `end`; values outside stop at the ends."""
        share = (value - self.low) / (self.high - self.low)
        return start + min(max(share, 0.0), 1.0) * (end - start)


def share_axis(shares: Iterable[float], *, write: Callable[[float], str] = whole_percent) -> Axis:
    """An axis of shares up to 1 that starts at a tenth below the smallest, so that differences near 1 can be seen."""
    smallest = min(share for share in shares if not math.isnan(share))
    low = max(0.0, math.floor(10 * smallest - 0.2) / 10)
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.25) if (1 - low) / step <= 5.01)
    ticks = [round(1 - place * step, 4) for place in range(int((1 - low) / step + 1.01))]
    return Axis(low=low, high=1, ticks=ticks[::-1], write=write)


def round_axis(low: float, high: float, *, label: str = "") -> Axis:
    """From a round number at or below `low` to one at or above `high`, with about five ticks."""
    span = high - low or 1.0
    magnitude = 10.0 ** math.floor(math.log10(span / 4))
    step = next(step * magnitude for step in _ROUND if step * magnitude >= span / 4)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [round(place * step, 10) for place in range(first, max(last, first + 1) + 1)]
    return Axis(low=ticks[0], high=ticks[-1], ticks=ticks, label=label, write=lambda value: f"{value:g}")


@dataclass(frozen=True, kw_only=True)
class Margins:
    """Room around the plotting area, in user units."""

    top: float = 14
    right: float = 22
    bottom: float = 46
    left: float = 50


class Plot:
    """A picture WIDTH wide with axes `x` and `y`; every mark is placed in data coordinates and has a CSS class.

    `title` and `description` are read out by screen readers in place of the picture.
    """

    def __init__(
        self, *, title: str, description: str, x: Axis, y: Axis, height: float = 340, margins: Margins | None = None
    ) -> None:
        margins = margins or Margins()
        self.x, self.y = x, y
        self._left, self._right = margins.left, WIDTH - margins.right
        self._top, self._bottom = margins.top, height - margins.bottom
        self._root = ElementTree.Element(
            "svg", {"viewBox": f"0 0 {WIDTH} {height:g}", "role": "img", "aria-label": f"{title}. {description}"}
        )
        self._draw_axes()

    def line(self, points: Iterable[Point], kind: str) -> None:
        """A line through the points."""
        self._add("polyline", kind, points=" ".join(f"{_r(a)},{_r(b)}" for a, b in map(self._at, points)))

    def area(self, points: Iterable[Point], kind: str) -> None:
        """A filled polygon."""
        self._add("polygon", kind, points=" ".join(f"{_r(a)},{_r(b)}" for a, b in map(self._at, points)))

    def segment(self, start: Point, end: Point, kind: str) -> None:
        """A straight line, such as an interval or a rule."""
        (x1, y1), (x2, y2) = self._at(start), self._at(end)
        self._add("line", kind, x1=_r(x1), y1=_r(y1), x2=_r(x2), y2=_r(y2))

    def dot(self, at: Point, kind: str, *, tip: str = "", radius: float = 4.5) -> None:
        """A round mark; `tip` shows when the pointer rests on it."""
        x, y = self._at(at)
        self._add("circle", kind, tip=tip, cx=_r(x), cy=_r(y), r=_r(radius))

    def bar(self, start: Point, end: Point, kind: str, *, tip: str = "", gap: float = 0) -> None:
        """A filled rectangle between two corners, `gap` units narrower than they stand apart."""
        (x1, y1), (x2, y2) = self._at(start), self._at(end)
        left, right, top, bottom = min(x1, x2) + gap / 2, max(x1, x2) - gap / 2, min(y1, y2), max(y1, y2)
        size = {"width": _r(max(right - left, 0)), "height": _r(bottom - top)}
        self._add("rect", kind, tip=tip, x=_r(left), y=_r(top), **size)

    def text(self, at: Point, words: str, kind: str, *, anchor: Anchor = "start", shift: Point = (0, 0)) -> None:
        """Words at a point, moved by `shift` units to the right and down."""
        x, y = self._at(at)
        self._words(x + shift[0], y + shift[1], words, kind=kind, anchor=anchor)

    def markup(self) -> str:
        """The SVG element."""
        return ElementTree.tostring(self._root, encoding="unicode")

    def _draw_axes(self) -> None:
        for tick in self.x.ticks:
            self.segment((tick, self.y.low), (tick, self.y.high), "grid")
            place = self.x.place(tick, self._left, self._right)
            self._words(place, self._bottom + 18, self.x.write(tick), kind="tick", anchor=self._tick_anchor(place))
        for tick in self.y.ticks:
            self.segment((self.x.low, tick), (self.x.high, tick), "grid")
            place = self.y.place(tick, self._bottom, self._top)
            self._words(self._left - _LABEL_GAP, place + 4, self.y.write(tick), kind="tick", anchor="end")
        if self.x.label:
            self._words((self._left + self._right) / 2, self._bottom + 38, self.x.label, kind="axis", anchor="middle")

    def _tick_anchor(self, place: float) -> Anchor:
        """The middle, but for a tick at the picture's very edge: its words stay inside."""
        if place < _LABEL_GAP:
            return "start"
        return "end" if place > WIDTH - _LABEL_GAP else "middle"

    def _at(self, point: Point) -> Point:
        return self.x.place(point[0], self._left, self._right), self.y.place(point[1], self._bottom, self._top)

    def _words(self, x: float, y: float, words: str, *, kind: str, anchor: Anchor) -> None:
        element = self._add("text", kind, x=_r(x), y=_r(y))
        element.set("text-anchor", anchor)
        element.text = words

    def _add(self, tag: str, kind: str, *, tip: str = "", **attributes: str) -> ElementTree.Element:
        element = ElementTree.SubElement(self._root, tag, {"class": kind, **attributes})
        if tip:
            ElementTree.SubElement(element, "title").text = tip
        return element


def _r(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
