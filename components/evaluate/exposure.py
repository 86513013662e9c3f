"""Was a test function in the training split, or a near-copy of it?

Near-copies are functions of one family (`expressions.family`): f, c*f and f(a*x + b) among them. To take every
training function's family would cost minutes, so first comes what can be read off the prefix words, and one family is
enough for each skeleton.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intclass.components.shared.expressions import family, family_signature, from_prefix

Row = Mapping[str, Any]


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
    signatures = {family_signature(prefix) for prefix in prefixes}
    near = [row for row in train if family_signature(row["prefix"]) in signatures]
    by_skeleton = {row["skeleton"]: row["prefix"] for row in near}
    of_skeleton = {skeleton: family(from_prefix(prefix.split())) for skeleton, prefix in by_skeleton.items()}
    counts = Counter(of_skeleton[row["skeleton"]] for row in near)
    examples = {of_skeleton[row["skeleton"]]: str(row["canonical"]) for row in reversed(near)}
    return [Exposure(rows=counts[each], example=examples.get(each)) for each in families]
