"""A model that answers by length alone, and is perfect on a test set where length tells: the probes expose it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from intclass.components.evaluate.arrays import Floats
from intclass.components.evaluate.probes import InvarianceProbe, PairProbe
from intclass.components.shared.expressions import canonical, count_nodes, fingerprint, parse, prefix_words

SHORT = [f"exp(x**{n})" for n in range(2, 22)]  # none of them has an elementary antiderivative
LONG = [f"{n}*x**{n - 1}*sin(x) + x**{n}*cos(x)" for n in range(3, 23)]  # derivatives of x**n*sin(x)


def rows() -> list[dict[str, object]]:
    labelled = [(text, 0) for text in SHORT] + [(text, 1) for text in LONG]
    return [
        {"prefix": words(text), "fingerprint": fingerprint(parse(text)), "label": label} for text, label in labelled
    ]


def words(text: str) -> str:
    return " ".join(prefix_words(canonical(parse(text))))


def by_length(prefixes: Sequence[str]) -> Floats:
    """Surely elementary from nine nodes on, surely not below."""
    return np.array([0.99 if count_nodes(prefix) >= 9 else 0.01 for prefix in prefixes])


def test_it_is_perfect_where_length_tells() -> None:
    labels = np.array([row["label"] for row in rows()])
    assert ((by_length([str(row["prefix"]) for row in rows()]) > 0.5) == labels).all()


def test_rewritings_that_make_a_function_longer_change_its_answers() -> None:
    probe = InvarianceProbe(rows(), count=40, seed=0)
    found = {each.name: each for each in probe.measure(by_length(probe.prefixes))}
    assert found["plus_polynomial"].consistency.value <= 0.55  # each of the short ones becomes long
    assert found["commuted"].consistency.value == 1  # which leaves the length as it is, and exposes nobody
    longest = found["plus_polynomial"].worst[0]
    assert longest.label == 0
    assert longest.probability_before == pytest.approx(0.01)
    assert longest.probability_after == pytest.approx(0.99)


def test_it_is_right_on_few_minimal_pairs() -> None:
    probe = PairProbe()
    found = probe.measure(by_length(probe.prefixes))
    assert found.right.high < 0.5
    assert found.ordered.high < 0.5
    assert len(found.wrong) > 40
