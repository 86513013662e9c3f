"""The same function in other words: sums and products with their arguments in another order.

Sorted arguments teach a small model the order along with the function. Drawn anew in each epoch, the order says
nothing, and a few thousand examples last for longer before the model knows them by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from intclass.components.shared.expressions import PREFIX_ARITY

_CHAINED: Final = ("add", "mul")  # which prefix words spell as chains to the right: add a add b c

Words = list[str]


def reorder(words: Sequence[str], rng: np.random.Generator) -> Words:
    """Prefix words of the same expression, with the arguments of every sum and product in a random order.

    A subexpression that occurs several times is spelt alike each time, so that it can still be seen to be the same.
    Differences and quotients keep their two sides, which are reordered each by itself.
    """
    chains: list[tuple[str, list[Words]]] = []  # what is read so far, from the right: each operator and its arguments
    spelt: dict[tuple[str, ...], Words] = {}  # equal sums stay equal

    def taken() -> Words:
        return spell(*chains.pop())

    def spell(operator: str, arguments: list[Words]) -> Words:
        if not operator:
            return arguments[0]
        key = (operator, *(" ".join(argument) for argument in arguments))
        if key not in spelt:
            spelt[key] = _shuffled(operator, arguments, rng)
        return spelt[key]

    place = len(words)
    while place:
        place -= 1
        word = words[place]
        if word == "end":
            start = max(index for index in range(place) if words[index] == "int")
            chains.append(("", [list(words[start : place + 1])]))
            place = start
        elif word in _CHAINED:
            first, rest = taken(), chains.pop()
            chains.append((word, [first, *(rest[1] if rest[0] == word else [spell(*rest)])]))
        else:
            arguments = [taken() for _ in range(PREFIX_ARITY.get(word, 0))]
            chains.append(("", [[word, *(each for argument in arguments for each in argument)]]))
    (whole,) = chains
    return spell(*whole)


def _shuffled(operator: str, arguments: list[Words], rng: np.random.Generator) -> Words:
    """A chain in a random order."""
    shuffled = [arguments[index] for index in rng.permutation(len(arguments))]
    return [word for argument in shuffled[:-1] for word in (operator, *argument)] + shuffled[-1]
