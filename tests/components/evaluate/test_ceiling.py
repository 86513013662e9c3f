"""The noise ceiling: labels made twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from intclass.components.evaluate.ceiling import Ceiling, measure_ceiling
from intclass.components.evaluate.second_run import relabel
from intclass.components.integrate import IntegrateConfig
from intclass.components.shared.errors import ConfigError, RecordsError
from intclass.components.shared.records import EXAMPLES, OUTCOMES, read_table, write_table


def _outcome(fingerprint: str, label: str, **answer: Any) -> dict[str, Any]:
    return {
        "id": fingerprint,
        "generator": "file",
        "integrand": f"x + {fingerprint}",
        "fingerprint": fingerprint,
        "label": label,
        "reason": "said so",
        "seconds": 0.1,
        "verified": False,
        "answers": [{"engine": "sympy", "engine_version": "1", "reason": "", **answer}] if answer else [],
    }


def _examples(labels: Sequence[int]) -> list[dict[str, Any]]:
    return [{"fingerprint": str(place), "label": label} for place, label in enumerate(labels)]


def test_agreement_is_over_what_is_decided_twice(tmp_path: Path) -> None:
    second = ["elementary", "elementary", "nonelementary", "unknown", "nonelementary"]
    rows = [_outcome(str(place), label) for place, label in enumerate([*second, "elementary"])]
    write_table(tmp_path, rows, OUTCOMES)
    ceiling = measure_ceiling(_examples([1, 0, 0, 0, 0]), tmp_path, target="elementary")
    assert (ceiling.functions, ceiling.undecided) == (5, 1)  # the sixth is not in the dataset
    assert ceiling.agreement.value == pytest.approx(3 / 4)
    assert ceiling.agreement.low < 0.75 < ceiling.agreement.high
    [differing] = ceiling.disagreements
    assert (differing.integrand, differing.first, differing.second) == ("x + 1", 0, 1)


def test_solved_means_solved_in_time(tmp_path: Path) -> None:
    answers = [("solved", 0.5), ("solved", 3.0), ("timeout", 5.0)]
    rows = [_outcome(str(place), "unknown", status=s, seconds=t) for place, (s, t) in enumerate(answers)]
    write_table(tmp_path, [*rows, _outcome("3", "elementary")], OUTCOMES)
    ceiling = measure_ceiling(_examples([1, 1, 0, 1]), tmp_path, target="solved", solved_within_seconds=1.0)
    assert ceiling.undecided == 1  # SymPy was not asked
    assert ceiling.agreement.value == pytest.approx(2 / 3)


def test_without_a_common_function_there_is_no_ceiling(tmp_path: Path) -> None:
    write_table(tmp_path, [_outcome("7", "elementary")], OUTCOMES)
    with pytest.raises(RecordsError, match="decides no function of the dataset: `intclass relabel"):
        measure_ceiling(_examples([1]), tmp_path, target="elementary")


@pytest.mark.slow
def test_a_second_run_labels_functions_of_the_test_split(dataset: Path, tmp_path: Path) -> None:
    config = IntegrateConfig(engines=("sympy",), limit_seconds=2, workers=1)
    relabel(dataset, tmp_path, config, count=6, seed=0)
    outcomes = read_table(tmp_path, OUTCOMES).to_pylist()
    test = {row["canonical"] for row in read_table(dataset, EXAMPLES).to_pylist() if row["split"] == "test"}
    assert len(outcomes) == 6
    assert {row["integrand"] for row in outcomes} <= test
    assert {row["generator"] for row in outcomes} == {"file"}


def test_none_is_too_few(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="count is 0; it must be at least 1"):
        relabel(dataset, tmp_path, IntegrateConfig(), count=0, seed=0)


def test_it_survives_json() -> None:
    fields = {"functions": 2, "undecided": 0, "agreement": {"value": 1.0, "low": 0.3, "high": 1.0}, "disagreements": []}
    assert Ceiling.from_fields(fields).agreement.value == 1.0
