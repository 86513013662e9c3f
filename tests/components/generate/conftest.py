from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest


def _p_value(statistic: float, degrees: int) -> float:
    """Of a chi-square statistic, by Wilson and Hilferty's cube root; good to a few per cent for 5 degrees and more."""
    spread = 2 / (9 * degrees)
    z = ((statistic / degrees) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return math.erfc(z / math.sqrt(2)) / 2


def _fit(observed: Sequence[int], expected: Sequence[float]) -> float:
    total = sum(observed)
    scale = total / sum(expected)
    statistic = sum(
        (number - scale * weight) ** 2 / (scale * weight) for number, weight in zip(observed, expected, strict=True)
    )
    return _p_value(statistic, len(observed) - 1)


@pytest.fixture(scope="session")
def fits() -> Callable[[Sequence[int], Sequence[float]], bool]:
    """Whether counts are what weights let expect: the chi-square test's p-value is above 0.001."""
    return lambda observed, expected: _fit(observed, expected) > 1e-3


@pytest.fixture(scope="session")
def p_value() -> Callable[[float, int], float]:
    return _p_value
