"""What is needed of an expression once it is read."""

from __future__ import annotations

import pytest

from intclass.components.serve.reading import read_text
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import DEFAULT_LIMITS, Limits, fingerprint, parse


def test_a_reading_is_the_canonical_form_in_text_in_prefix_words_and_as_a_fingerprint() -> None:
    reading = read_text("exp(x^2)*x", DEFAULT_LIMITS)
    assert reading.canonical == "x*exp(x**2)"
    assert reading.prefix == "mul x exp pow x 2"
    assert reading.fingerprint == fingerprint(parse("x*exp(x**2)"))


def test_the_limits_are_the_callers() -> None:
    with pytest.raises(ExpressionError, match=r"over the limit of 3 \(length\)"):
        read_text("x+10", Limits(length=3))
