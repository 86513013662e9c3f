from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest
from sympy import diff

from intclass.components.generate._blocks import Sample, Source, draw_block
from intclass.components.integrate.engines import Status
from intclass.components.integrate.engines.fricas import FricasEngine
from intclass.components.shared.errors import EngineUnavailableError
from intclass.components.shared.expressions import X, canonical_text, count_nodes, parse, prefix_words
from intclass.components.shared.grammar import load

GRAMMARS = ("intclass", "lample-charton")


@cache
def drawn(grammar: str, nodes: int, block: int = 0) -> list[Sample]:
    source = Source(grammar=load(grammar), seed=5, internal_nodes=(nodes, nodes), families={"short": 1.0})
    return draw_block(source, block)


def sizes(samples: list[Sample]) -> list[int]:
    return sorted(count_nodes(" ".join(prefix_words(parse(sample.text)))) for sample in samples)


@pytest.mark.parametrize("grammar", GRAMMARS)
def test_they_are_canonical_short_and_without_a_label(grammar: str) -> None:
    samples = drawn(grammar, 3)
    assert all(canonical_text(parse(sample.text)) == sample.text for sample in samples)
    assert {(sample.label, sample.certificate, sample.antiderivative) for sample in samples} == {(None, None, None)}
    assert sizes(samples)[len(samples) // 2] <= 14
    assert len({sample.text for sample in samples}) > 0.9 * len(samples)


def test_many_nodes_give_a_sum_of_two() -> None:
    single, double = sizes(drawn("lample-charton", 3)), sizes(drawn("lample-charton", 6))
    assert double[64] > 1.6 * single[64]


def test_inner_derivatives_are_common() -> None:
    """A function f(u)*u' can be seen from outside: its product holds u' where u is the argument of another factor."""
    samples = drawn("intclass", 3) + drawn("lample-charton", 3)
    assert sum(has_inner_derivative(sample.text) for sample in samples) > len(samples) / 5


def has_inner_derivative(text: str) -> bool:
    factors = [factor for factor in parse(text).as_ordered_factors() if factor.has(X)]
    arguments = [argument for factor in factors for argument in factor.args if argument.has(X) and argument != X]
    return any(parse(text).has(diff(argument, X)) for argument in arguments if diff(argument, X).has(X)) or any(
        (parse(text) / diff(argument, X)).count(X) < parse(text).count(X) for argument in arguments
    )


@pytest.fixture(scope="module")
def fricas() -> Iterator[FricasEngine]:
    try:
        engine = FricasEngine()
    except EngineUnavailableError as error:
        pytest.skip(f"NO FRICAS, CLASSES ARE NOT COUNTED: {error}")
    yield engine
    engine.close()


@pytest.mark.slow
def test_most_are_decided_and_both_classes_are_common(fricas: FricasEngine) -> None:
    samples = drawn("intclass", 3)
    statuses = Counter(fricas.integrate(parse(sample.text), limit_seconds=2).status for sample in samples)
    assert statuses[Status.SOLVED] > len(samples) / 4
    assert statuses[Status.UNEVALUATED] > len(samples) / 5
