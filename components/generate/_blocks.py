"""Samples in blocks: the unit that one worker draws, and that depends on (seed, block) alone.

The words of a block are drawn together, attempt after attempt, until each place has a function that is no junk. The
block is drawn whole even where only a part of it is asked for, with SymPy's cache and its own random numbers (which
order its questions about assumptions) put back first: so what SymPy did before makes no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sympy.core.cache import clear_cache
from sympy.core.random import seed as seed_sympy

from intclass.components.generate._build import build
from intclass.components.generate._constants import Junk, RefusedError
from intclass.components.generate._screen import screen
from intclass.components.generate._words import BLOCK_LENGTH, Word, draw_sizes, draw_words
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.expressions import to_text
from intclass.components.shared.grammar import Grammar

MAX_ATTEMPTS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Source:
    """What decides a sample besides its index."""

    grammar: Grammar
    seed: int
    internal_nodes: tuple[int, int]


@dataclass(kw_only=True)
class Sample:
    """The function at one index, as canonical text, and why the draws before it at that index were refused."""

    index: int
    internal_nodes: int
    refused: list[Junk] = field(default_factory=list)
    text: str = ""  # empty until a draw is not refused


def draw_block(source: Source, block: int) -> list[Sample]:
    """The block's samples in the order of their indices; every one has its text.

    Raises ConfigError if the grammar gives nothing but junk at one of them.
    """
    clear_cache()
    seed_sympy(0)
    sizes = draw_sizes(source.seed, block, internal_nodes=source.internal_nodes)
    first = block * BLOCK_LENGTH
    samples = [Sample(index=first + place, internal_nodes=size) for place, size in enumerate(sizes.tolist())]
    for attempt in range(MAX_ATTEMPTS):
        words = draw_words(source.seed, block, attempt, sizes=sizes, grammar=source.grammar)
        for sample, word in zip(samples, words, strict=True):
            if not sample.text:
                _try(sample, word)
        if all(sample.text for sample in samples):
            return samples
    raise _hopeless(source, next(sample for sample in samples if not sample.text))


def _try(sample: Sample, words: Sequence[Word]) -> None:
    try:
        screen(words)
        sample.text = to_text(build(words))
    except RefusedError as refusal:
        sample.refused.append(refusal.junk)


def _hopeless(source: Source, sample: Sample) -> ConfigError:
    return ConfigError(
        f"grammar '{source.grammar.name}' gives nothing but junk with {sample.internal_nodes} internal nodes: "
        f"{MAX_ATTEMPTS} draws in a row were refused, the last as {sample.refused[-1]}; "
        "use other operators or fewer internal nodes"
    )
