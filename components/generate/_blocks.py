"""Samples in blocks: the unit that one worker draws, and that depends on (seed, block) alone.

A block's sizes, families and classes are settled first. Then each place is drawn, attempt after attempt, until it has a
function that is no junk: the words of forward samples together, all others each from random numbers of its own. The
block is drawn whole even where only a part of it is asked for, with SymPy's cache and its own random numbers (which
order its questions about assumptions) put back first: so what SymPy did before makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
from sympy.core.cache import clear_cache
from sympy.core.random import seed as seed_sympy

from intclass.components.generate._build import build
from intclass.components.generate._constants import Junk, RefusedError
from intclass.components.generate._dice import Dice
from intclass.components.generate._families import construct
from intclass.components.generate._screen import screen
from intclass.components.generate._words import (
    BLOCK_LENGTH,
    Word,
    draw_classes,
    draw_families,
    draw_sizes,
    draw_words,
    stream,
)
from intclass.components.generate.config import FORWARD
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.expressions import to_text
from intclass.components.shared.grammar import Grammar
from intclass.components.shared.records import Label

MAX_ATTEMPTS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Source:
    """What decides a sample besides its index."""

    grammar: Grammar
    seed: int
    internal_nodes: tuple[int, int]
    families: Mapping[str, float] = field(default_factory=lambda: {FORWARD: 1.0})


@dataclass(kw_only=True)
class Sample:
    """The function at one index, as canonical text, and why the draws before it at that index were refused.

    Its label, certificate and antiderivative stand only where the family knows them.
    """

    index: int
    internal_nodes: int
    family: str = FORWARD
    refused: list[Junk] = field(default_factory=list)
    text: str = ""  # empty until a draw is not refused
    label: Label | None = None
    certificate: str | None = None
    antiderivative: str | None = None


def draw_block(source: Source, block: int) -> list[Sample]:
    """The block's samples in the order of their indices; every one has its text.

    Raises ConfigError if the grammar gives nothing but junk at one of them.
    """
    clear_cache()
    seed_sympy(0)
    samples = _plan(source, block)
    sizes = np.array([sample.internal_nodes for sample in samples])
    classes = draw_classes(source.seed, block)
    for attempt in range(MAX_ATTEMPTS):
        words = draw_words(source.seed, block, attempt, sizes=sizes, grammar=source.grammar)
        for place, sample in enumerate(samples):
            if sample.text:
                continue
            if sample.family == FORWARD:
                _try(sample, partial(_forward, words[place]))
            else:
                rng = stream(source.seed, block, 1 + attempt, place)
                _try(sample, partial(_made, Dice(source.grammar, rng, classes[place])))
        if all(sample.text for sample in samples):
            return samples
    raise _hopeless(source, next(sample for sample in samples if not sample.text))


def _plan(source: Source, block: int) -> list[Sample]:
    """The block's samples with their sizes and families, not yet drawn."""
    sizes = draw_sizes(source.seed, block, internal_nodes=source.internal_nodes).tolist()
    families = draw_families(source.seed, block, source.families)
    return [
        Sample(index=block * BLOCK_LENGTH + place, internal_nodes=size, family=family)
        for place, (size, family) in enumerate(zip(sizes, families, strict=True))
    ]


def _try(sample: Sample, draw: Callable[[Sample], None]) -> None:
    try:
        draw(sample)
    except RefusedError as refusal:
        sample.refused.append(refusal.junk)


def _forward(words: Sequence[Word], sample: Sample) -> None:
    screen(words)
    sample.text = to_text(build(words))


def _made(dice: Dice, sample: Sample) -> None:
    made = construct(sample.family, sample.internal_nodes, dice)
    sample.text, sample.label, sample.certificate = to_text(made.integrand), made.label, made.certificate
    sample.antiderivative = None if made.antiderivative is None else to_text(made.antiderivative)


def _hopeless(source: Source, sample: Sample) -> ConfigError:
    return ConfigError(
        f"grammar '{source.grammar.name}' gives nothing but junk with {sample.internal_nodes} internal nodes: "
        f"{MAX_ATTEMPTS} draws in a row were refused, the last as {sample.refused[-1]}; "
        "use other operators or fewer internal nodes"
    )
