"""Reading many expressions without holding up anybody."""

from __future__ import annotations

import asyncio

import pytest
from kserve.errors import InvalidInput

from intclass.components.serve.reading import Reader
from intclass.components.shared.expressions import DEFAULT_LIMITS, Limits, fingerprint, parse

HEAVY = " + ".join(f"sin(x**{power} + {power}*exp(x))" for power in range(1, 40))


def test_a_reading_is_the_canonical_form_in_text_in_prefix_words_and_as_a_fingerprint() -> None:
    [reading] = asyncio.run(Reader(DEFAULT_LIMITS).read(["exp(x^2)*x"]))
    assert reading.canonical == "x*exp(x**2)"
    assert reading.prefix == "mul x exp pow x 2"
    assert reading.fingerprint == fingerprint(parse("x*exp(x**2)"))


def test_the_first_text_that_is_no_expression_is_named() -> None:
    with pytest.raises(InvalidInput) as raised:
        asyncio.run(Reader(DEFAULT_LIMITS).read(["x", "x + 1", "x +", "y"]))
    assert str(raised.value).startswith("instance 2: ")


def test_the_limits_are_the_readers_own() -> None:
    with pytest.raises(InvalidInput) as raised:
        asyncio.run(Reader(Limits(length=3)).read(["x+10"]))
    assert "over the limit of 3 (length)" in str(raised.value)


def test_a_long_request_does_not_hold_up_a_short_one() -> None:
    order: list[str] = []

    async def ask(name: str, texts: list[str]) -> None:
        await reader.read(texts)
        order.append(name)

    async def scenario() -> None:
        long = asyncio.create_task(ask("long", [f"{HEAVY} + {number}" for number in range(20)]))
        await asyncio.sleep(0.01)
        await asyncio.gather(long, ask("short", ["x"]))

    reader = Reader(DEFAULT_LIMITS)
    asyncio.run(scenario())
    assert order == ["short", "long"]
