"""Numbers as a reader wants them in running text; an undefined number is an en dash."""

from __future__ import annotations

import math
from typing import Final

from intclass.components.evaluate.bootstrap import Estimate

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


def percent_range(estimate: Estimate) -> str:
    """The interval of a share: `92.0 to 94.1 %`."""
    return _range(f"{100 * estimate.low:.1f}", f"{percent(estimate.high)}", estimate)


def decimal_range(estimate: Estimate) -> str:
    """The interval of a number: `0.969 to 0.985`."""
    return _range(decimal(estimate.low), decimal(estimate.high), estimate)


def points_range(estimate: Estimate) -> str:
    """The interval of a difference in percentage points: `+2.9 to +5.5`."""
    return _range(points(estimate.low), points(estimate.high), estimate)


def compact_range(estimate: Estimate, *, scale: int) -> str:
    """An interval for a narrow column: `0.969-0.985` with an en dash; nothing where it has no width."""
    if math.isnan(estimate.low) or estimate.low == estimate.high:
        return ""
    digits = 1 if scale == 100 else 3
    return f"{decimal(scale * estimate.low, digits)}{UNDEFINED}{decimal(scale * estimate.high, digits)}"


def p_value(value: float) -> str:
    """A p-value as `p = 0.03`, or `p < 0.001`."""
    return f"p{_SPACE}<{_SPACE}0.001" if value < 0.001 else f"p{_SPACE}={_SPACE}{value:.2g}"


def _range(low: str, high: str, estimate: Estimate) -> str:
    return UNDEFINED if math.isnan(estimate.low) else f"{low} to {high}"
