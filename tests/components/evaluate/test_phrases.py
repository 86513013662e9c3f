from __future__ import annotations

import math

import pytest

from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.evaluate.phrases import (
    compact_range,
    count,
    decimal,
    decimal_range,
    p_value,
    percent,
    percent_range,
    points,
    points_range,
    whole_percent,
)

NAN = math.nan
SHARE = Estimate(0.931, 0.92, 0.941)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.9314), "93.1 %"),
        (percent(NAN), "\u2013"),
        (whole_percent(0.25), "25 %"),
        (decimal(0.97812), "0.978"),
        (decimal(-0.5, 1), "\u22120.5"),
        (points(0.042), "+4.2"),
        (points(-0.031), "\u22123.1"),
        (count(12345), "12,345"),
        (percent_range(SHARE), "92.0 to 94.1 %"),
        (decimal_range(SHARE), "0.920 to 0.941"),
        (points_range(Estimate(0.0, -0.01, 0.02)), "\u22121.0 to +2.0"),
        (percent_range(Estimate(NAN, NAN, NAN)), "\u2013"),
        (compact_range(SHARE, scale=100), "92.0\u201394.1"),
        (compact_range(SHARE, scale=1), "0.920\u20130.941"),
        (compact_range(Estimate(0.5, 0.5, 0.5), scale=1), ""),
        (compact_range(Estimate(NAN, NAN, NAN), scale=1), ""),
        (p_value(0.0301), "p = 0.03"),
        (p_value(1e-9), "p < 0.001"),
    ],
)
def test_numbers_as_a_reader_wants_them(written: str, expected: str) -> None:
    assert written.replace("\N{NO-BREAK SPACE}", " ") == expected
