from __future__ import annotations

import math

import pytest

from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.evaluate.phrases import compact_range, decimal_range, percent_range, points_range

NAN = math.nan
SHARE = Estimate(0.931, 0.92, 0.941)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent_range(SHARE), "92.0 to 94.1 %"),
        (decimal_range(SHARE), "0.920 to 0.941"),
        (points_range(Estimate(0.0, -0.01, 0.02)), "\u22121.0 to +2.0"),
        (percent_range(Estimate(NAN, NAN, NAN)), "\u2013"),
        (compact_range(SHARE, scale=100), "92.0\u201394.1"),
        (compact_range(SHARE, scale=1), "0.920\u20130.941"),
        (compact_range(Estimate(0.5, 0.5, 0.5), scale=1), ""),
        (compact_range(Estimate(NAN, NAN, NAN), scale=1), ""),
    ],
)
def test_intervals_as_a_reader_wants_them(written: str, expected: str) -> None:
    assert written.replace("\N{NO-BREAK SPACE}", " ") == expected
