"""Numbers as a reader wants them in running text; an undefined number is an en dash."""

from __future__ import annotations

import math
from typing import Final

_SPACE: Final = "\N{NO-BREAK SPACE}"
_MINUS: Final = "\N{MINUS SIGN}"
UNDEFINED: Final = "\N{EN DASH}"


def percent(share: float, digits: int = 1) -> str:
    """0.9314 as `93.1 %`."""
    return UNDEFINED if math.isnan(share) else f"{100 * share:.{digits}f}{_SPACE}%"


def whole_percent(share: float) -> str:
    """0.25 as `25 %`, for an axis."""
    return percent(share, 0)


def decimal(number: float, digits: int = 3) -> str:
    """0.97812 as `0.978`."""
    return UNDEFINED if math.isnan(number) else f"{number:.{digits}f}".replace("-", _MINUS)


def points(difference: float) -> str:
    """A difference of shares in percentage points: 0.042 as `+4.2`."""
    return UNDEFINED if math.isnan(difference) else f"{100 * difference:+.1f}".replace("-", _MINUS)


def count(number: int) -> str:
    """12345 as `12,345`."""
    return f"{number:,}"


def p_value(value: float) -> str:
    """A p-value as `p = 0.03`, or `p < 0.001`."""
    return f"p{_SPACE}<{_SPACE}0.001" if value < 0.001 else f"p{_SPACE}={_SPACE}{value:.2g}"
