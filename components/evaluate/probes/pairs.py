"""Minimal pairs: is a classifier right on both of two functions that look alike and differ in the truth?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Self

import numpy as np
import yaml

from intclass.components.evaluate.arrays import Floats
from intclass.components.evaluate.bootstrap import Estimate
from intclass.components.shared.expressions import canonical, parse, prefix_words
from intclass.components.shared.reliability import wilson_interval

FILE_NAME: Final = "minimal_pairs.yaml"


@dataclass(frozen=True, kw_only=True)
class MinimalPair:
    """Two functions, of which the first alone has an elementary antiderivative, with the certificates of both.

    What `minus`, `substitute`, `leaves` and `source` prove of the second, the head of the file says.
    """

    elementary: str
    antiderivative: str
    nonelementary: str
    minus: str = "0"
    substitute: str = "x"
    leaves: str | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class PairAnswer:
    """A pair with the probabilities of `elementary` that a classifier gave its two functions."""

    elementary: str
    nonelementary: str
    probability_elementary: float
    probability_nonelementary: float

    @property
    def right(self) -> bool:
        """Whether both answers are right."""
        return self.probability_elementary >= 0.5 > self.probability_nonelementary

    @property
    def ordered(self) -> bool:
        """Whether the elementary one got the higher probability."""
        return self.probability_elementary > self.probability_nonelementary


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """A classifier's answers on all pairs: the shares of pairs right and in order have 95 % Wilson intervals."""

    right: Estimate
    ordered: Estimate
    answers: tuple[PairAnswer, ...]

    @property
    def wrong(self) -> list[PairAnswer]:
        """The pairs that are not right, the most confused first."""
        confused = sorted(self.answers, key=lambda each: each.probability_elementary - each.probability_nonelementary)
        return [each for each in confused if not each.right]

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The inverse of `dataclasses.asdict`."""
        return cls(
            right=Estimate(**fields["right"]),
            ordered=Estimate(**fields["ordered"]),
            answers=tuple(PairAnswer(**each) for each in fields["answers"]),
        )


class PairProbe:
    """The pairs as questions: `prefixes` are what a classifier is asked, `measure` reads its answers."""

    def __init__(self, pairs: Sequence[MinimalPair] | None = None) -> None:
        self._pairs = load_pairs() if pairs is None else tuple(pairs)

    @property
    def texts(self) -> list[str]:
        """Every pair's elementary function, then every pair's other one."""
        return [pair.elementary for pair in self._pairs] + [pair.nonelementary for pair in self._pairs]

    @property
    def prefixes(self) -> list[str]:
        """`texts` as prefix words."""
        return [" ".join(prefix_words(canonical(parse(text)))) for text in self.texts]

    def measure(self, probabilities: Floats) -> PairResult:
        """The result, from the probabilities (n,) of `prefixes`."""
        answers = tuple(
            PairAnswer(
                elementary=pair.elementary,
                nonelementary=pair.nonelementary,
                probability_elementary=float(first),
                probability_nonelementary=float(second),
            )
            for pair, first, second in zip(self._pairs, *np.split(probabilities, 2), strict=True)
        )
        return PairResult(
            right=_share([each.right for each in answers]),
            ordered=_share([each.ordered for each in answers]),
            answers=answers,
        )


@cache
def load_pairs() -> tuple[MinimalPair, ...]:
    """The pairs of `minimal_pairs.yaml`."""
    text = files(__package__).joinpath(FILE_NAME).read_text()
    return tuple(MinimalPair(**each) for each in yaml.safe_load(text))


def _share(holds: Sequence[bool]) -> Estimate:
    low, high = wilson_interval(sum(holds), len(holds))
    return Estimate(sum(holds) / len(holds), low, high)
