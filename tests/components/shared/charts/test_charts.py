from __future__ import annotations

from xml.etree import ElementTree

import pytest

from intclass.components.shared.charts import (
    MAX_LABEL,
    WIDTH,
    Axis,
    Bar,
    Margins,
    Part,
    Plot,
    Row,
    Series,
    column_chart,
    dot_chart,
    log_histogram,
    round_axis,
    row_chart,
    share_axis,
)


def _plot(**settings: object) -> Plot:
    axis = Axis(low=0, high=10, ticks=(0, 5, 10), write="{:g}".format)
    return Plot(title="A", description="B", x=axis, y=axis, **settings)  # type: ignore[arg-type]


def _parse(plot: Plot) -> ElementTree.Element:
    return ElementTree.fromstring(plot.markup())


def test_data_lies_where_the_axes_say() -> None:
    plot = _plot(height=200, margins=Margins(top=0, right=60, bottom=0, left=0))
    plot.dot((5, 10), "mark")
    (dot,) = _parse(plot).iter("circle")
    assert (dot.get("cx"), dot.get("cy")) == (f"{(WIDTH - 60) / 2:g}", "0")


def test_what_is_off_the_axes_stops_at_their_ends() -> None:
    plot = _plot(height=200, margins=Margins(top=0, right=0, bottom=0, left=0))
    plot.segment((-5, 20), (15, -3), "mark")
    segment = next(line for line in _parse(plot).iter("line") if line.get("class") == "mark")
    assert [segment.get(name) for name in ("x1", "y1", "x2", "y2")] == ["0", "0", str(WIDTH), "200"]


def test_a_bar_has_a_size_whichever_way_it_points() -> None:
    plot = _plot(height=100, margins=Margins(top=0, right=60, bottom=0, left=0))
    plot.bar((0, 5), (5, 10), "up", gap=2)
    plot.bar((5, 5), (0, 0), "down", gap=2)
    up, down = _parse(plot).iter("rect")
    assert (up.get("x"), up.get("y"), up.get("width"), up.get("height")) == ("1", "0", "198", "50")
    assert (down.get("x"), down.get("y"), down.get("width"), down.get("height")) == ("1", "50", "198", "50")


def test_a_picture_says_what_it_is_and_escapes_its_words() -> None:
    plot = Plot(title="<A>", description='"B" & C', x=Axis(low=0, high=1), y=Axis(low=0, high=1))
    plot.text((0, 0), "<script>alert(1)</script>", "label")
    plot.dot((0, 0), "mark", tip="</title><script>")
    assert "<script>" not in plot.markup()
    root = _parse(plot)
    assert (root.get("role"), root.get("aria-label")) == ("img", '<A>. "B" & C')
    assert next(root.iter("title")).text == "</title><script>"


def test_ticks_are_written_and_stay_inside_the_picture() -> None:
    plot = _plot(margins=Margins(left=0, right=0))
    words = [(text.text, text.get("text-anchor")) for text in _parse(plot).iter("text")]
    assert words[:3] == [("0", "start"), ("5", "middle"), ("10", "end")]


@pytest.mark.parametrize(
    ("shares", "low", "ticks"),
    [
        ([0.71, 0.9], 0.6, [0.6, 0.7, 0.8, 0.9, 1]),
        ([0.999], 0.9, [0.9, 0.92, 0.94, 0.96, 0.98, 1]),
        ([float("nan"), 0.5], 0.4, [0.4, 0.6, 0.8, 1]),
        ([0.0, 1.0], 0.0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ],
)
def test_an_axis_of_shares_starts_below_the_smallest(shares: list[float], low: float, ticks: list[float]) -> None:
    axis = share_axis(shares)
    assert (axis.low, axis.high, list(axis.ticks)) == (low, 1, ticks)


def test_a_dot_chart_has_a_dot_for_each_row_and_shortens_long_labels() -> None:
    rows = [
        Row(label="a" * 80, note="n", value=0.8, low=0.7, high=0.9, kind="model", emphasis=True),
        Row(label="b", note="m", value=0.6, low=float("nan"), high=float("nan"), kind="baseline"),
    ]
    root = ElementTree.fromstring(dot_chart("T", rows, axis=share_axis([0.6])))
    dots = list(root.iter("circle"))
    assert [dot.get("class") for dot in reversed(dots)] == ["dot model", "dot baseline"]
    assert float(dots[1].get("cy", 0)) < float(dots[0].get("cy", 0))  # the first row is on top
    assert [line.get("class") for line in root.iter("line")].count("interval model") == 1
    assert not any("interval baseline" in line.get("class", "") for line in root.iter("line"))
    assert max(len(text.text or "") for text in root.iter("text")) == MAX_LABEL


def _bar(*numbers: int) -> Bar:
    return Bar(label="A", parts=[Part(number=number, kind=f"k{number}", what="of them") for number in numbers])


def test_the_parts_of_a_row_fill_it_from_the_left() -> None:
    root = ElementTree.fromstring(row_chart("T", [_bar(1, 3)]))
    first, second = root.iter("rect")
    assert (first.get("class"), second.get("class")) == ("column k1", "column k3")
    assert float(second.get("width", 0)) == pytest.approx(3 * float(first.get("width", 0)), abs=0.3)
    assert float(second.get("x", 0)) == pytest.approx(float(first.get("x", 0)) + float(first.get("width", 0)), abs=0.2)
    assert [title.text for title in root.iter("title")][1] == "A: 3 of 4 of them (75.0\N{NO-BREAK SPACE}%)"


def test_the_parts_of_a_column_stand_on_each_other() -> None:
    lower, upper = ElementTree.fromstring(column_chart("T", [_bar(1, 3)], label="L")).iter("rect")
    assert float(upper.get("height", 0)) == pytest.approx(3 * float(lower.get("height", 0)), abs=0.3)
    assert float(upper.get("y", 0)) < float(lower.get("y", 0))


def test_a_histogram_has_an_outline_of_shares_for_each_series() -> None:
    series = [
        Series(values=[0.002, 0.02, 0.02, 0.02], kind="a", what="first"),
        Series(values=[], kind="b", what="second"),
        Series(values=[0.0, 5.0], kind="c", what="third"),
    ]
    root = ElementTree.fromstring(log_histogram("T", series, label="seconds"))
    outlines = {line.get("class"): line.get("points", "").split() for line in root.iter("polyline")}
    heights = {kind: {float(point.split(",")[1]) for point in points} for kind, points in outlines.items()}
    assert [len(heights[f"curve thin {kind}"]) for kind in "abc"] == [3, 1, 2]  # a quarter, three quarters, nothing
    words = [(text.text or "").replace("\N{NO-BREAK SPACE}", " ") for text in root.iter("text")]
    assert words[:6] == ["0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s"]
    assert root.get("aria-label") == "T. 4 first; 0 second; 2 third"


def test_a_round_axis_holds_its_values_between_round_ends() -> None:
    axis = round_axis(0.13, 0.58)
    assert list(axis.ticks) == [0.0, 0.2, 0.4, 0.6]
    assert (axis.low, axis.high) == (0.0, 0.6)
    assert round_axis(3.0, 3.0).low <= 3 < round_axis(3.0, 3.0).high
