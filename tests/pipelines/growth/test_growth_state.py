"""A growing dataset's state, on disk and in a bucket: runs that go on, die in between, or come twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, RecordsError
from intclass.pipelines.growth import state
from intclass.pipelines.growth.state import Batch, claim, commit, publish, read_state, record_training

SEQUENCE = {"internal_nodes": "3-12", "grammar": "intclass", "families": "forward", "seed": 0}


@pytest.fixture
def outcomes(tmp_path: Path) -> Path:
    folder = tmp_path / "outcomes"
    storage.write_text(folder / "shard-00000" / "outcomes.parquet", "rows")
    return folder


def grow(folder: str, outcomes: Path, *, count: int = 100, drawn: int = 130) -> Batch:
    batch = claim(folder, SEQUENCE, count=count)
    commit(folder, batch.number, outcomes, next_index=batch.start_index + drawn)
    return batch


def test_each_batch_goes_on_where_the_last_one_ended(storage_root: str, outcomes: Path) -> None:
    batches = [grow(storage_root, outcomes) for _ in range(3)]
    assert [batch.start_index for batch in batches] == [0, 130, 260]
    assert storage.read_text(f"{storage_root}/batches/batch-00003/shard-00000/outcomes.parquet") == "rows"
    found = read_state(storage_root)
    assert found is not None
    assert [batch.next_index for batch in found.batches] == [130, 260, 390]


def test_a_batch_that_a_run_left_unfinished_is_made_by_the_next_one(storage_root: str, outcomes: Path) -> None:
    grow(storage_root, outcomes)
    left = claim(storage_root, SEQUENCE, count=100)
    again = claim(storage_root, SEQUENCE, count=7)
    assert again == left
    assert (again.start_index, again.count) == (130, 100)


def test_a_step_that_is_tried_again_changes_nothing(storage_root: str, outcomes: Path, tmp_path: Path) -> None:
    batch = grow(storage_root, outcomes)
    examples = tmp_path / "examples"
    storage.write_text(examples / "examples.parquet", "rows")
    assert publish(storage_root, examples, num_examples=50, growth=0.2)
    before = read_state(storage_root)
    assert commit(storage_root, batch.number, outcomes, next_index=999) == f"{storage_root}/batches"
    assert publish(storage_root, examples, num_examples=50, growth=0.2)
    assert read_state(storage_root) == before


def test_training_waits_for_growth(storage_root: str, outcomes: Path, tmp_path: Path) -> None:
    examples, model = tmp_path / "examples", tmp_path / "model"
    storage.write_text(examples / "examples.parquet", "rows")
    storage.write_text(model / "model.safetensors", "weights")
    grow(storage_root, outcomes)
    assert publish(storage_root, examples, num_examples=100, growth=0.5)
    assert record_training(storage_root, model) == f"{storage_root}/models/v00001"
    grow(storage_root, outcomes)
    assert not publish(storage_root, examples, num_examples=149, growth=0.5)
    grow(storage_root, outcomes)
    assert publish(storage_root, examples, num_examples=150, growth=0.5)
    assert storage.exists(f"{storage_root}/datasets/v00003/examples.parquet")
    assert storage.exists(f"{storage_root}/models/v00001/model.safetensors")


def test_another_sequence_needs_another_folder(storage_root: str, outcomes: Path) -> None:
    grow(storage_root, outcomes)
    with pytest.raises(ConfigError, match=r"grows by .*seed 0, not by .*seed 1; take another folder"):
        claim(storage_root, {**SEQUENCE, "seed": 1}, count=100)


def test_of_two_runs_at_once_one_fails(gs_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = state._read

    def read_and_be_overtaken(folder: str) -> tuple[state.State | None, int]:
        found = read(folder)
        monkeypatch.setattr(state, "_read", read)
        claim(folder, SEQUENCE, count=5)
        return found

    monkeypatch.setattr(state, "_read", read_and_be_overtaken)
    with pytest.raises(ConfigError, match="another run has written it meanwhile"):
        claim(gs_root, SEQUENCE, count=100)
    found = read_state(gs_root)
    assert found is not None
    assert found.pending == Batch(number=1, start_index=0, count=5)


def test_a_batch_that_nobody_claimed_is_not_kept(tmp_path: Path, outcomes: Path) -> None:
    folder = str(tmp_path / "growing")
    with pytest.raises(ConfigError, match="no batch has been claimed"):
        commit(folder, 1, outcomes, next_index=5)
    claim(folder, SEQUENCE, count=5)
    with pytest.raises(ConfigError, match="batch 2 is not the one"):
        commit(folder, 2, outcomes, next_index=5)


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 2}', "not JSON"])
def test_what_is_no_state_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(RecordsError, match=r"state\.json"):
        read_state(str(tmp_path))


def test_a_state_survives_the_file(tmp_path: Path) -> None:
    claim(str(tmp_path), SEQUENCE, count=5)
    found = read_state(str(tmp_path))
    assert found is not None
    record = json.loads((tmp_path / "state.json").read_text())
    assert record["pending"]["count"] == 5
    assert replace(found, pending=None).next_index == 0
