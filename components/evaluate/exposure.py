"""Was a test function in the training split, or a near-copy of it?

Near-copies are functions of one family (`expressions.family`): f, c*f and f(a*x + b) among them. To take every
training function's family would cost minutes, so first comes what can be read off the prefix words: a family knows how
often x and each function occur outside constants, and one family is enough for each skeleton.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intclass.components.shared.expressions import PREFIX_ARITY, family, from_prefix

Row = Mapping[str, Any]
_Signature = tuple[str, ...]
_FORMS = frozenset({"add", "sub", "mul", "div", "pow", "neg", "inv", "sqrt"})  # not functions of their own in a family


@dataclass(frozen=True, kw_only=True)
class Exposure:
    """A test function's near-copies in training: how many rows, and the first of them as text; none if not exposed."""

    rows: int = 0
    example: str | None = None

    @property
    def exposed(self) -> bool:
        """Whether there is a near-copy."""
        return self.rows > 0


def find_exposure(prefixes: Sequence[str], train: Iterable[Row]) -> list[Exposure]:
    """The exposure of each function, given as canonical prefix words, in their order."""
    families = [family(from_prefix(prefix.split())) for prefix in prefixes]
    signatures = {_signature(prefix) for prefix in prefixes}
    near = [row for row in train if _signature(row["prefix"]) in signatures]
    by_skeleton = {row["skeleton"]: row["prefix"] for row in near}
    of_skeleton = {skeleton: family(from_prefix(prefix.split())) for skeleton, prefix in by_skeleton.items()}
    counts = Counter(of_skeleton[row["skeleton"]] for row in near)
    examples = {of_skeleton[row["skeleton"]]: str(row["canonical"]) for row in reversed(near)}
    return [Exposure(rows=counts[each], example=examples.get(each)) for each in families]


def _signature(prefix: str) -> _Signature:
    """How often x and each function of x occur, as sorted words: equal for what is of one family."""
    stack: list[list[str]] = []
    words = iter(reversed(prefix.split()))
    for word in words:
        if word == "end":
            while next(words) != "int":
                pass
            stack.append([])
            continue
        inside = [each for _ in range(PREFIX_ARITY.get(word, 0)) for each in stack.pop()]
        if word == "x" or (inside and word not in _FORMS):
            inside.append(word)
        stack.append(inside)
    (whole,) = stack
    return tuple(sorted(whole))
