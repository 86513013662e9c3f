"""The minimal pairs: that they are true, and that shortcuts fail on them."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Expr, diff

from intclass.components.evaluate.probes import MinimalPair, PairProbe, PairResult, load_pairs
from intclass.components.integrate import Solver
from intclass.components.integrate._verify import Agreement, verify
from intclass.components.integrate.engines import is_available
from intclass.components.shared.expressions import X, fingerprint, parse
from intclass.components.shared.theorems import prove_nonelementary

PAIRS = load_pairs()
BY_THEOREM = [pair for pair in PAIRS if pair.source is None]
POINTS = [0.3, 0.47, 0.61, 0.83]


def _name(pair: MinimalPair) -> str:
    return pair.nonelementary


def _left(pair: MinimalPair) -> Expr:
    """What is left of the nonelementary function when the certificate's first two steps are taken."""
    inner = parse(pair.substitute)
    rest = parse(pair.nonelementary) - diff(parse(pair.minus), X)
    return rest.subs(X, inner) * diff(inner, X)


def test_there_are_enough_of_them_and_none_twice() -> None:
    assert len(PAIRS) >= 60
    assert len(BY_THEOREM) >= 60
    texts = {(fingerprint(parse(pair.elementary)), fingerprint(parse(pair.nonelementary))) for pair in PAIRS}
    assert len(texts) == len(PAIRS)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.elementary)
def test_the_elementary_one_has_the_antiderivative(pair: MinimalPair) -> None:
    found = verify(parse(pair.elementary), parse(pair.antiderivative), seed="pairs")
    assert found.agreement is Agreement.RIGHT, found


@pytest.mark.parametrize("pair", BY_THEOREM, ids=_name)
def test_the_other_is_nonelementary_by_a_theorem(pair: MinimalPair) -> None:
    leaves = parse(pair.leaves or pair.nonelementary)
    for point in POINTS:
        difference = (_left(pair) - leaves).subs(X, point).evalf(30)
        assert abs(complex(difference)) < 1e-12
    assert prove_nonelementary(leaves) is not None


@pytest.mark.slow
@pytest.mark.skipif(not is_available("fricas"), reason="FriCAS is not installed")
def test_where_no_theorem_is_at_hand_fricas_decides() -> None:
    with Solver(engines="fricas", limit_seconds=20) as solver:
        for pair in PAIRS:
            if pair.source is not None:
                assert solver.solve(pair.nonelementary)["label"] == "nonelementary", pair.nonelementary


def _measure(score: dict[str, float]) -> PairResult:
    """The result of a classifier that gives each function the probability written down for it."""
    pairs = [
        MinimalPair(elementary="x*exp(x**2)", antiderivative="exp(x**2)/2", nonelementary="exp(x**2)"),
        MinimalPair(elementary="x*sin(x)", antiderivative="sin(x) - x*cos(x)", nonelementary="sin(x)/x"),
    ]
    probe = PairProbe(pairs)
    assert len(probe.prefixes) == 4
    return probe.measure(np.array([score[text] for text in probe.texts]))


def test_a_pair_is_right_if_both_answers_are() -> None:
    result = _measure({"x*exp(x**2)": 0.5, "exp(x**2)": 0.4, "x*sin(x)": 0.9, "sin(x)/x": 0.7})
    assert (result.right.value, result.ordered.value) == (0.5, 1.0)
    assert [each.elementary for each in result.wrong] == ["x*sin(x)"]
    assert result.right.low < 0.5 < result.right.high


def test_the_most_confused_pair_comes_first() -> None:
    result = _measure({"x*exp(x**2)": 0.6, "exp(x**2)": 0.7, "x*sin(x)": 0.1, "sin(x)/x": 0.9})
    assert [each.elementary for each in result.wrong] == ["x*sin(x)", "x*exp(x**2)"]
    assert result.right.value == result.ordered.value == 0


def test_a_model_that_goes_by_length_is_wrong_on_most_pairs() -> None:
    probe = PairProbe()
    lengths = np.array([len(prefix.split()) for prefix in probe.prefixes])
    for longer_is_elementary in (True, False):
        for threshold in range(int(lengths.min()), int(lengths.max()) + 2):
            says_elementary = (lengths >= threshold) == longer_is_elementary
            result = probe.measure(np.where(says_elementary, 0.99, 0.01))
            assert result.right.high < 0.6
