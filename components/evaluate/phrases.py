"""Intervals and titles as a reader wants them in running text; an undefined interval is an en dash."""

from __future__ import annotations

import math

from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.shared.phrases import UNDEFINED, decimal, percent, points


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


def in_sentence(title: str) -> str:
    """A title inside a sentence: lower case at the start, unless it is a name or an abbreviation."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def _range(low: str, high: str, estimate: Estimate) -> str:
    return UNDEFINED if math.isnan(estimate.low) else f"{low} to {high}"
