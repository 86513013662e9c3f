"""Reading and predicting what arrives together, without holding up anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from kserve.errors import InvalidInput

from intclass.components.serve.estimating import Estimator
from intclass.components.shared.expressions import DEFAULT_LIMITS

HEAVY = " + ".join(f"sin(x**{power} + {power}*exp(x))" for power in range(1, 40))


def _lengths(prefixes: list[str]) -> Sequence[float]:
    """In the place of a model: something that tells expressions apart."""
    return [float(len(prefix.split())) for prefix in prefixes]


def _estimator() -> Estimator:
    return Estimator(_lengths, limits=DEFAULT_LIMITS, size=64)


def test_each_text_gets_the_probability_of_what_it_reads() -> None:
    estimates = asyncio.run(_estimator().estimate(["exp(x^2)*x", "x"]))
    assert [one.reading.canonical for one in estimates] == ["x*exp(x**2)", "x"]
    assert [one.probability for one in estimates] == [6.0, 1.0]


def test_the_first_text_that_is_no_expression_is_named() -> None:
    with pytest.raises(InvalidInput) as raised:
        asyncio.run(_estimator().estimate(["x", "x + 1", "x +", "y"]))
    assert str(raised.value).startswith("instance 2: ")


def test_a_text_that_cannot_be_read_costs_its_neighbours_nothing() -> None:
    async def scenario() -> list[object]:
        estimator = _estimator()
        return await asyncio.gather(
            *(estimator.estimate([text]) for text in ("x", "y", "x**2")), return_exceptions=True
        )

    first, refused, last = asyncio.run(scenario())
    assert isinstance(refused, InvalidInput)
    assert [getattr(one[0], "probability", None) for one in (first, last)] == [1.0, 3.0]  # type: ignore[index]


def test_a_long_request_does_not_hold_up_a_short_one() -> None:
    order: list[str] = []

    async def ask(name: str, texts: list[str]) -> None:
        await estimator.estimate(texts)
        order.append(name)

    async def scenario() -> None:
        long = asyncio.create_task(ask("long", [f"{HEAVY} + {number}" for number in range(20)]))
        await asyncio.sleep(0.01)
        await asyncio.gather(long, ask("short", ["x"]))

    estimator = _estimator()
    asyncio.run(scenario())
    assert order == ["short", "long"]
