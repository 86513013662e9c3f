"""Is one classifier really better than another on the same examples?"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest

from intclass.components.evaluate.arrays import Bools


@dataclass(frozen=True, kw_only=True)
class McNemar:
    """The exact McNemar test: the examples that only one of the two got right, and the two-sided p-value."""

    only_first: int
    only_second: int
    p_value: float


def mcnemar(first_correct: Bools, second_correct: Bools) -> McNemar:
    """Compare two classifiers' right answers, both (n,) bool on the same examples (McNemar 1947).

    Under the null hypothesis a disagreement falls to either side like a fair coin; the test is the exact binomial one,
    so it holds for few disagreements too. Without any disagreement the p-value is 1.
    """
    only_first = int((first_correct & ~second_correct).sum())
    only_second = int((second_correct & ~first_correct).sum())
    disagreements = only_first + only_second
    p_value = float(binomtest(only_first, disagreements, 0.5).pvalue) if disagreements else 1.0
    return McNemar(only_first=only_first, only_second=only_second, p_value=p_value)
