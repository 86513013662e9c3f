from __future__ import annotations

import math

import pytest

from intclass.components.shared.phrases import count, decimal, p_value, percent, points, whole_percent


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.9314), "93.1 %"),
        (percent(math.nan), "\u2013"),
        (whole_percent(0.25), "25 %"),
        (decimal(0.97812), "0.978"),
        (decimal(-0.5, 1), "\u22120.5"),
        (points(0.042), "+4.2"),
        (points(-0.031), "\u22123.1"),
        (count(12345), "12,345"),
        (p_value(0.0301), "p = 0.03"),
        (p_value(1e-9), "p < 0.001"),
    ],
)
def test_numbers_as_a_reader_wants_them(written: str, expected: str) -> None:
    assert written.replace("\N{NO-BREAK SPACE}", " ") == expected
