"""A failing shard between the two components: what Kubeflow would run in the loop, and after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from intclass.components.dataset.component import dataset
from intclass.components.integrate import persistence
from intclass.components.integrate._functions import fingerprint_input
from intclass.components.integrate._pool import PoolError
from intclass.components.integrate.component import gather, integrate
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.failure import FAILURE_FILE
from intclass.components.shared.manifest import write_manifest
from intclass.components.shared.records import OUTCOMES, write_table

OPTIONS = {
    "num_shards": 2,
    "target": "elementary",
    "engines": "sympy",
    "limit_seconds": 1.0,
    "memory_mb": 1024,
    "workers": 1,
    "work_dir": "",
}


def _artifact(path: Path) -> Any:
    return SimpleNamespace(path=str(path), uri=str(path), metadata={})


@pytest.fixture
def shards(tmp_path: Path, outcomes: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The first shard came out; the second fails whenever it is tried."""

    def fail(*_: object) -> None:
        raise PoolError("no processes left")

    functions = tmp_path / "functions.csv"
    functions.write_text("integrand\nx\nx**2\n")
    monkeypatch.setattr(persistence, "PAUSE_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr("intclass.components.integrate.labelling.crew", fail)
        second = _artifact(tmp_path / "second")
        integrate.python_func(_artifact(functions), second, shard=1, min_success_ratio=0.5, **OPTIONS)
        with pytest.raises(PoolError):
            integrate.python_func(_artifact(functions), second, shard=1, min_success_ratio=1.0, **OPTIONS)
    inputs = {"functions": fingerprint_input(functions)}
    write_table(tmp_path / "first", outcomes(120), OUTCOMES)
    write_manifest(tmp_path / "first", "integrate", config={"shard": 0, "num_shards": 2}, inputs=inputs)
    return [_artifact(tmp_path / "first"), second]


def test_the_dataset_decides_whether_there_are_enough_shards(shards: list[Any], tmp_path: Path) -> None:
    assert shards[1].metadata == {"failed_shards": 1}
    assert Path(shards[1].path, FAILURE_FILE).exists()
    examples, card, report = (_artifact(tmp_path / name) for name in ("examples", "card.md", "report.html"))
    options = {
        "target": "elementary",
        "solved_within_seconds": 1.0,
        "seed": 0,
        "hold_out_generators": "",
        "hold_out_larger_than": 0,
        "hold_out_structures": 0.0,
    }
    gathered = _artifact(tmp_path / "gathered")
    assert gather.python_func(shards, gathered) == gathered.uri
    with pytest.raises(RecordsError, match=r"^1 of 2 shards came out .* shard 1 \(PoolError"):
        dataset.python_func(gathered, examples, card, report, min_success_ratio=1.0, **options)
    dataset.python_func(gathered, examples, card, report, min_success_ratio=0.5, **options)
    assert examples.metadata["missing_shards"] == 1
    assert "Shards of outcomes that failed, whose functions are missing: 1." in Path(card.path).read_text()
