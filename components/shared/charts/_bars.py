"""Bar charts: parts of a whole, in rows or columns, and histograms on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from intclass.components.shared.charts._dot_chart import ROW_HEIGHT, shortened
from intclass.components.shared.charts._plot import Axis, Margins, Plot
from intclass.components.shared.phrases import count, percent

BINS_PER_DECADE: Final = 6
_BAR: Final = 0.34  # of a row's height


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a bar: how many, its CSS class, and what it is."""

    number: int
    kind: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One whole, of at least one; `note` stands at the right of a row."""

    label: str
    parts: Sequence[Part]
    note: str = ""

    @property
    def total(self) -> int:
        """How many the parts are together."""
        return sum(part.number for part in self.parts)

    def tip(self, part: Part) -> str:
        """What a part is, in numbers."""
        share = percent(part.number / self.total)
        return f"{self.label}: {count(part.number)} of {count(self.total)} {part.what} ({share})"


def row_chart(title: str, bars: Sequence[Bar]) -> str:
    """Each whole as a bar of full length, divided into its parts; its label stands above it."""
    plot = Plot(
        title=title,
        description="; ".join(bar.tip(part) for bar in bars for part in bar.parts),
        x=Axis(low=0, high=1, ticks=(0, 0.25, 0.5, 0.75, 1)),
        y=Axis(low=0, high=len(bars)),
        height=ROW_HEIGHT * len(bars) + 30,
        margins=Margins(top=4, right=2, bottom=26, left=2),
    )
    for place, bar in enumerate(reversed(bars)):
        plot.text((0, place + _BAR), shortened(bar.label), "label", shift=(0, -8))
        plot.text((1, place + _BAR), bar.note, "note", anchor="end", shift=(0, -8))
        left = 0.0
        for part in bar.parts:
            right = left + part.number / bar.total
            plot.bar((left, place), (right, place + _BAR), f"column {part.kind}", tip=bar.tip(part))
            left = right
    return plot.markup()


def column_chart(title: str, bars: Sequence[Bar], *, label: str) -> str:
    """Each whole as a column of full height, divided into its parts from the bottom up; `label` names the x axis."""
    names = [bar.label for bar in bars]
    plot = Plot(
        title=title,
        description="; ".join(bar.tip(part) for bar in bars for part in bar.parts),
        x=Axis(low=-0.5, high=len(bars) - 0.5, ticks=(), label=label),
        y=Axis(low=0, high=1, ticks=(0, 0.25, 0.5, 0.75, 1)),
        height=300,
    )
    for place, bar in enumerate(bars):
        bottom = 0.0
        for part in bar.parts:
            top = bottom + part.number / bar.total
            plot.bar((place - 0.5, bottom), (place + 0.5, top), f"column {part.kind}", tip=bar.tip(part), gap=3)
            bottom = top
        plot.text((place, 0), names[place], "tick", anchor="middle", shift=(0, 18))
    return plot.markup()


@dataclass(frozen=True, kw_only=True)
class Series:
    """Positive numbers of one kind: their CSS class, and what they are."""

    values: Sequence[float]
    kind: str
    what: str


def log_histogram(title: str, series: Sequence[Series], *, label: str) -> str:
    """The series' values on one logarithmic axis, each as an outline of the shares of its own values.

    At least one series has a value. `label` names the x axis; values are written as seconds are.
    """
    logs = [[math.log10(max(value, 1e-4)) for value in each.values] for each in series]
    low = math.floor(min(min(each) for each in logs if each))
    high = max(math.ceil(max(max(each) for each in logs if each)), low + 1)
    shares = [_shares(each, low, high) for each in logs]
    top = max(max(each) for each in shares)
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.25) if top / step <= 5)
    ticks = [step * number for number in range(math.floor(top / step) + 1)]
    plot = Plot(
        title=title,
        description="; ".join(f"{count(len(each.values))} {each.what}" for each in series),
        x=Axis(low=low, high=high, ticks=range(low, high + 1), label=label, write=_power),
        y=Axis(low=0, high=top * 1.05, ticks=ticks),
        height=250,
    )
    for each, outline in zip(series, shares, strict=True):
        edges = [low + place / BINS_PER_DECADE for place in range(len(outline) + 1)]
        steps = [(edge, share) for place, share in enumerate(outline) for edge in (edges[place], edges[place + 1])]
        plot.area([(low, 0), *steps, (high, 0)], f"fill {each.kind}")
        plot.line(steps, f"curve thin {each.kind}")
    return plot.markup()


def _shares(logs: Sequence[float], low: int, high: int) -> list[float]:
    """The share of the values in each bin from `low` to `high`."""
    bins = (high - low) * BINS_PER_DECADE
    counts = [0] * bins
    for value in logs:
        counts[min(int((value - low) * BINS_PER_DECADE), bins - 1)] += 1
    return [number / max(len(logs), 1) for number in counts]


def _power(exponent: float) -> str:
    """-3 as `1 ms`, 0 as `1 s`."""
    return f"{10**exponent:g}\N{NO-BREAK SPACE}s" if exponent >= 0 else f"{10 ** (exponent + 3):g}\N{NO-BREAK SPACE}ms"
