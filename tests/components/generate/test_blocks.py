from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sympy

from intclass.components.generate import _blocks
from intclass.components.generate._blocks import Sample, Source, draw_block
from intclass.components.generate._build import build
from intclass.components.generate._constants import Junk, RefusedError
from intclass.components.generate._words import BLOCK_LENGTH, Word, draw_sizes
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.expressions import canonical_text, parse, to_text
from intclass.components.shared.grammar import Grammar, UniformIntegers, load

X = sympy.Symbol("x")
JUNK = (sympy.I, sympy.zoo, sympy.nan, sympy.oo, -sympy.oo)
FOREIGN = (sympy.AccumBounds, sympy.Abs, sympy.sign, sympy.floor, sympy.re, sympy.im, sympy.arg, sympy.Piecewise)


def source(name: str = "intclass", *, nodes: tuple[int, int] = (2, 5), seed: int = 0) -> Source:
    return Source(grammar=load(name), seed=seed, internal_nodes=nodes)


def texts(samples: list[Sample]) -> list[str]:
    return [sample.text for sample in samples]


@pytest.mark.parametrize("name", ["intclass", "lample-charton"])
def test_no_junk_comes_out(name: str) -> None:
    samples = [sample for block in range(2) for sample in draw_block(source(name, nodes=(1, 10)), block)]
    assert sum(len(sample.refused) for sample in samples) > 10, "there was junk to refuse"
    for sample in samples:
        expr = parse(sample.text)
        parts = list(sympy.preorder_traversal(expr))
        assert X in parts
        assert expr.free_symbols == {X}
        assert not any(part in JUNK or isinstance(part, FOREIGN) for part in parts), sample.text
        assert all(max(abs(part.p), part.q) <= 10**6 for part in parts if part.is_Rational), sample.text
        assert canonical_text(expr) == sample.text


def test_indices_run_on_from_block_to_block() -> None:
    indices = [sample.index for block in (2, 3) for sample in draw_block(source(nodes=(1, 2)), block)]
    assert indices == list(range(2 * BLOCK_LENGTH, 4 * BLOCK_LENGTH))


def test_a_block_does_not_depend_on_what_sympy_did_before() -> None:
    first = draw_block(source(), 1)
    draw_block(source("lample-charton", seed=5), 7)
    sympy.integrate(sympy.cos(X) * sympy.exp(X), X)
    assert draw_block(source(), 1) == first


def test_a_sample_keeps_its_size_when_it_is_refused() -> None:
    samples = draw_block(source(nodes=(1, 4)), 0)
    assert [sample.internal_nodes for sample in samples] == draw_sizes(0, 0, internal_nodes=(1, 4)).tolist()
    assert any(sample.refused for sample in samples if sample.internal_nodes == 1)


def test_a_refused_place_takes_its_own_next_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusing more at one place changes nothing at the others."""
    before = draw_block(source(), 0)
    banned = before[5].text

    def stricter(words: Sequence[Word]) -> Any:
        expr = build(words)
        if to_text(expr) == banned:
            raise RefusedError(Junk.FOREIGN)
        return expr

    monkeypatch.setattr(_blocks, "build", stricter)
    after = draw_block(source(), 0)
    different = [place for place, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert 5 in different
    assert all(before[place].text == banned for place in different)


def test_a_grammar_of_junk_alone_is_given_up() -> None:
    towers = Grammar(name="towers", unary={"exp": 1}, leaves={"x": 1}, integers=UniformIntegers(1, 5))
    with pytest.raises(ConfigError, match=r"'towers' gives nothing but junk with 4 internal nodes: .* as tower; use"):
        draw_block(Source(grammar=towers, seed=0, internal_nodes=(4, 4)), 0)
