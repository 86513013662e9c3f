"""The gate: who may be deployed, and why not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from intclass.components.evaluate.bootstrap import sample_metrics
from intclass.components.evaluate.gate import Decision, decide, served_probabilities
from intclass.components.evaluate.metrics import Scored
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import PREDICTIONS, write_table

N = 400


def _scored(wrong: int, *, start: int = 0) -> Scored:
    """A classifier that is wrong on so many of N examples, from the `start`-th on."""
    labels = np.tile([0, 1], N // 2)
    right = np.ones(N, dtype=bool)
    right[start : start + wrong] = False
    return Scored(labels, np.where(right == (labels == 1), 0.9, 0.1))


def _decide(margin: float = 0.0, **scored: Scored) -> Decision:
    rivals = {name: f"the rival {name}" for name in scored if name != "model"}
    return decide(scored, sample_metrics(scored, replicates=300, seed=0), rivals, model="model", margin=margin)


def test_a_model_that_is_surely_better_passes() -> None:
    decision = _decide(model=_scored(10), trees=_scored(60))
    assert decision.deploy
    assert decision.contests[0].lead.value == pytest.approx(50 / N)
    assert (decision.contests[0].mcnemar.only_first, decision.contests[0].mcnemar.only_second) == (50, 0)
    assert decision.reason.startswith("deploy: ahead of the rival trees: +12.5 points")
    assert decision.to_markdown().startswith("# The model may be deployed")


def test_a_lead_that_may_be_luck_does_not_pass() -> None:
    decision = _decide(model=_scored(50), trees=_scored(52, start=200))
    assert decision.contests[0].lead.value > 0 > decision.contests[0].lead.low
    assert not decision.deploy
    assert decision.reason.startswith("do not deploy: not surely ahead of the rival trees: +0.5 points")
    assert "**failed**" in decision.to_markdown()


def test_the_margin_is_the_users() -> None:
    scored = {"model": _scored(10), "trees": _scored(60)}
    assert [_decide(margin, **scored).deploy for margin in (0.0, 0.05, 0.12, 0.2)] == [True, True, False, False]
    behind = {"model": _scored(60), "trees": _scored(58, start=200)}
    assert [_decide(margin, **behind).deploy for margin in (0.0, -0.1)] == [False, True]


def test_every_rival_has_to_be_beaten_and_the_reason_names_who_is_not() -> None:
    decision = _decide(model=_scored(10), trees=_scored(60), served=_scored(9))
    assert [contest.passed for contest in decision.contests] == [True, False]
    assert not decision.deploy
    assert "the rival served" in decision.reason
    assert "the rival trees" not in decision.reason


def test_a_model_does_not_beat_itself() -> None:
    assert not _decide(model=_scored(10), served=_scored(10)).deploy


def test_it_survives_json() -> None:
    decision = _decide(model=_scored(10), trees=_scored(60))
    assert Decision.from_fields(asdict(decision)) == decision


def test_a_served_model_is_read_from_its_evaluation(held_out: list[dict[str, Any]], tmp_path: Path) -> None:
    probabilities = np.linspace(0, 1, len(held_out))
    names = [name for name in PREDICTIONS.schema.names if name in held_out[0]]
    rows = [
        {name: row[name] for name in names}
        | {"probability": p, "predicted": int(p >= 0.5), "correct": True, "baseline_probability": 0.5}
        for row, p in zip(held_out, probabilities.tolist(), strict=True)
    ]
    write_table(tmp_path, rows[::-1], PREDICTIONS)
    write_manifest(tmp_path, "evaluate", config={})
    np.testing.assert_array_equal(served_probabilities(tmp_path, held_out, target="elementary"), probabilities)
    other = [*held_out, held_out[0] | {"fingerprint": "another"}]
    with pytest.raises(ConfigError, match=r"does not answer 1 of the 201 test functions: give the model's own folder"):
        served_probabilities(tmp_path, other, target="elementary")


def test_what_is_no_model_is_refused(dataset: Path, held_out: list[dict[str, Any]]) -> None:
    with pytest.raises(ConfigError, match="made by 'dataset'; give the folder of a model or of an evaluation"):
        served_probabilities(dataset, held_out, target="elementary")
