from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from intclass.components.finetune.checkpoint import Checkpoints, fork
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, StorageError

IDENTITY: dict[str, Any] = {"seed": 0, "dataset": "abc"}


def checkpoints(folder: str, **changes: Any) -> Checkpoints:
    return Checkpoints(folder, identity=IDENTITY | changes, every=1)


def weights(value: float) -> dict[str, torch.Tensor]:
    return {"weight": torch.full((3,), value)}


def names(folder: str) -> list[str]:
    return [storage.name_below(folder, file) for file in storage.list_files(folder)]


def test_the_last_state_and_the_best_weights_are_kept(storage_root: str) -> None:
    writer = checkpoints(storage_root)
    assert writer.load() is None
    writer.save(5, {"model": weights(0.5)}, best_epoch=0, best_weights=None)
    assert names(storage_root) == ["last-00000005.pt"]
    for steps, best in ((10, 1), (15, 1), (20, 2), (25, 2)):
        writer.save(steps, {"model": weights(steps)}, best_epoch=best, best_weights=weights(best))
    assert names(storage_root) == ["best-0002.pt", "last-00000025.pt"]

    found = checkpoints(storage_root).load()
    assert found is not None
    content, best_weights = found
    assert best_weights is not None
    assert torch.equal(content["model"]["weight"], torch.full((3,), 25.0))
    assert torch.equal(best_weights["weight"], torch.full((3,), 2.0))

    writer.delete()
    assert names(storage_root) == []


def test_after_a_kill_between_two_files_the_newest_state_counts(tmp_path: Path) -> None:
    writer = checkpoints(str(tmp_path))
    writer.save(1, {"model": weights(1)}, best_epoch=1, best_weights=weights(1))
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    writer.save(2, {"model": weights(2)}, best_epoch=2, best_weights=weights(2))
    for name, data in old.items():  # as if it had been killed before it deleted these
        (tmp_path / name).write_bytes(data)
    found = checkpoints(str(tmp_path)).load()
    assert found is not None
    assert (found[0]["model"]["weight"][0], found[0]["best_epoch"]) == (2, 2)


def test_another_trainings_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    checkpoints(str(tmp_path)).save(1, {}, best_epoch=0, best_weights=None)
    with pytest.raises(ConfigError, match=r"holds a training with seed 0, not 1; .*delete that folder"):
        checkpoints(str(tmp_path), seed=1).load()


def test_an_option_that_came_later_has_its_default_in_older_checkpoints(tmp_path: Path) -> None:
    checkpoints(str(tmp_path)).save(1, {}, best_epoch=0, best_weights=None)
    newer: dict[str, Any] = {"identity": IDENTITY | {"compile": False}, "every": 1}
    assert Checkpoints(str(tmp_path), **newer, defaults={"compile": False}).load() is not None
    with pytest.raises(ConfigError, match="with compile True, not False"):
        Checkpoints(str(tmp_path), **newer, defaults={"compile": True}).load()


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "last-00000001.pt").write_bytes(b"nothing")
    with pytest.raises(StorageError, match=r"last-00000001.pt: not a checkpoint; delete .* to begin anew"):
        checkpoints(str(tmp_path)).load()


def test_another_training_goes_on_from_a_fork_with_other_options(storage_root: str) -> None:
    origin, copy = f"{storage_root}/origin", f"{storage_root}/copy"
    state = {"param_groups": [{"weight_decay": 0.1}, {"weight_decay": 0.0}]}
    content = {"model": weights(0.5), "batch_tokens": 200, "ranks": [{}, {}], "shared": {"optimizer": state}}
    checkpoints(origin, weight_decay=0.1, batch_tokens=100).save(7, content, best_epoch=1, best_weights=weights(1))
    changes = {"weight_decay": 0.3, "batch_tokens": 150}
    fork(origin, copy, changes)
    found = checkpoints(copy, **changes).load()
    assert found is not None
    forked, best = found
    assert best is not None
    assert forked["batch_tokens"] == 300
    assert [group["weight_decay"] for group in forked["shared"]["optimizer"]["param_groups"]] == [0.3, 0.0]
    assert checkpoints(origin, weight_decay=0.1, batch_tokens=100).load() is not None


def decays(*values: float) -> dict[str, Any]:
    return {"state": {}, "param_groups": [{"weight_decay": value} for value in values]}


@pytest.mark.parametrize(
    ("shared", "own", "expected"),
    [
        (
            {"optimizer": {"muon": decays(0.1), "adamw": decays(0.1, 0.0)}},
            {},
            ({"optimizer": {"muon": decays(0.3), "adamw": decays(0.3, 0.0)}}, {}),
        ),
        (
            {"outer": decays(0.0)},
            {"optimizer": decays(0.1, 0.0)},
            ({"outer": decays(0.0)}, {"optimizer": decays(0.3, 0.0)}),
        ),
        ({"workers": [decays(0.0, 0.0)] * 2}, {}, ({"workers": [decays(0.3, 0.0)] * 2}, {})),
        (
            {"servers": [{"optimizer": decays(0.1, 0.0), "version": 3}]},
            {},
            ({"servers": [{"optimizer": decays(0.3, 0.0), "version": 3}]}, {}),
        ),
    ],
    ids=["muon", "local-sgd", "hogwild", "parameter-server"],
)
def test_a_forks_weight_decay_reaches_the_optimisers_of_every_strategy(
    shared: dict[str, Any], own: dict[str, Any], expected: tuple[dict[str, Any], dict[str, Any]], tmp_path: Path
) -> None:
    content = {"batch_tokens": 200, "ranks": [own], "shared": shared}
    checkpoints(str(tmp_path / "origin")).save(7, content, best_epoch=0, best_weights=None)
    fork(tmp_path / "origin", tmp_path / "copy", {"weight_decay": 0.3})
    found = checkpoints(str(tmp_path / "copy"), weight_decay=0.3).load()
    assert found is not None
    assert (found[0]["shared"], found[0]["ranks"]) == (expected[0], [expected[1]])


def test_there_must_be_something_to_fork(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no checkpoint"):
        fork(tmp_path / "nothing", tmp_path / "copy", {})
