"""The order in which integrands are tried, and what it saves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from intclass.components.evaluate.arrays import Floats
from intclass.components.evaluate.triage import SolveTimes, Triage, Tries, assess_triage, least_worth, triage_held_out
from intclass.components.shared.errors import RecordsError

QUICK, SLOW = 0.01, 1.0


def _examples(count: int) -> list[dict[str, Any]]:
    """Half are solvable, in a hundredth of the time that the others take; all take longer the larger they are."""
    return [
        {"num_nodes": 5 + number % 7, "label": number % 2, "seconds": (SLOW, QUICK)[number % 2] * (5 + number % 7)}
        for number in range(count)
    ]


def _tries(examples: list[dict[str, Any]], *, sure: float) -> Tries:
    labels = np.array([row["label"] for row in examples])
    return Tries.of(examples, np.where(labels == 1, sure, 1 - sure), SolveTimes.fit(examples))


def test_expected_seconds_lie_between_those_of_failure_and_success_and_grow_with_size() -> None:
    times = SolveTimes.fit(_examples(700))
    sure, unsure, hopeless = (times.expected([8], np.array([p]))[0] for p in (1.0, 0.5, 0.0))
    assert sure == pytest.approx(8 * QUICK, rel=0.3)
    assert hopeless == pytest.approx(8 * SLOW, rel=0.3)
    assert unsure == pytest.approx((sure + hopeless) / 2)
    assert times.expected([11], np.array([0.5]))[0] > unsure


def test_of_equal_chances_the_shorter_try_comes_first() -> None:
    examples = _examples(140)
    tries = Tries.of(examples, np.full(140, 0.5), SolveTimes.fit(examples))
    sizes = [examples[place]["num_nodes"] for place in tries.order]
    assert sizes[0] < sizes[-1]
    assert np.corrcoef(np.arange(140), sizes)[0, 1] > 0.9


def test_a_model_that_knows_saves_what_the_oracle_saves() -> None:
    tries = _tries(_examples(1400), sure=0.99)
    triage = assess_triage(tries, least=least_worth(tries))
    assert triage.lost <= 0.01
    assert triage.saved == pytest.approx(triage.oracle_saved, abs=0.01)
    assert triage.oracle_saved == pytest.approx(1 - QUICK / (QUICK + SLOW), abs=0.01)


def test_a_model_that_knows_nothing_saves_next_to_nothing() -> None:
    rng = np.random.default_rng(0)
    examples = [{"num_nodes": 5, "label": int(rng.integers(2)), "seconds": 1.0} for _ in range(2000)]
    tries = Tries.of(examples, rng.uniform(size=2000), SolveTimes.fit(examples))
    assert assess_triage(tries, least=least_worth(tries)).saved < 0.03


def test_the_loss_of_a_stop_chosen_on_other_examples_is_measured() -> None:
    rng = np.random.default_rng(0)
    examples = [{"num_nodes": 5, "label": number % 2, "seconds": 1.0} for number in range(20_000)]
    scores = np.clip(rng.normal([0.3 + 0.4 * row["label"] for row in examples], 0.1), 0.01, 0.99)
    times = SolveTimes.fit(examples)
    validation = Tries.of(examples[:10_000], scores[:10_000], times)
    test = Tries.of(examples[10_000:], scores[10_000:], times)
    triage = assess_triage(test, least=least_worth(validation))
    assert 0 < triage.lost < 0.01
    assert 0.3 < triage.saved < triage.oracle_saved == pytest.approx(0.5)


def test_the_curves_run_from_nothing_to_everything_and_the_oracle_is_above() -> None:
    triage = assess_triage(_tries(_examples(700), sure=0.7), least=0.0)
    for curve in (triage.curve, triage.oracle):
        assert (curve.time[0], curve.found[0]) == (0, 0)
        assert curve.time[-1] == pytest.approx(1)
        assert curve.found[-1] == 1
    at = np.linspace(0, 1, 20)
    model = np.interp(at, triage.curve.time, triage.curve.found)
    assert (np.interp(at, triage.oracle.time, triage.oracle.found) >= model - 0.02).all()
    assert triage.saved == triage.lost == 0


def test_only_integrands_that_a_solver_searched_count() -> None:
    rows = [
        {
            **row,
            "split": ("train", "validation", "test")[number % 3],
            "generator": "forward",
            "prefix": str(row["label"]),
        }
        for number, row in enumerate(_examples(1400))
    ]
    known = [{**row, "generator": "backward", "seconds": 1e6} for row in rows]

    def predict(prefixes: list[str]) -> Floats:
        return np.array([0.01 + 0.98 * int(prefix) for prefix in prefixes])

    triage = triage_held_out(rows + known, predict)
    assert triage is not None
    assert triage == triage_held_out(rows, predict) == Triage.from_fields(asdict(triage))
    assert triage.integrands == sum(row["split"] == "test" for row in rows)
    assert triage_held_out(known, predict) is None
    assert triage_held_out([{**row, "seconds": 0.0} for row in rows], predict) is None


def test_without_solvable_integrands_there_is_nothing_to_save() -> None:
    examples = _examples(20)
    times = SolveTimes.fit(examples)
    hopeless = Tries.of([row for row in examples if not row["label"]], np.full(10, 0.5), times)
    with pytest.raises(RecordsError, match="nothing to find"):
        least_worth(hopeless)
    with pytest.raises(RecordsError, match="no solvable"):
        assess_triage(hopeless, least=0)
    with pytest.raises(RecordsError, match="one class alone"):
        SolveTimes.fit([row for row in examples if row["label"]])
