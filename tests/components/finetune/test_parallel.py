from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from intclass.components.finetune.parallel.group import Place
from intclass.components.shared.errors import ConfigError
from intclass.components.shared.manifest import read_manifest

OPTIONS = (
    "--epochs=1",
    "--hidden-size=16",
    "--num-layers=1",
    "--num-heads=2",
    "--dropout=0",
    "--device=cpu",
    "--precision=float32",
)
SGD = ("--optimizer=sgd", "--learning-rate=0.1", "--max-gradient-norm=inf")
RankServer = Any  # conftest's, which tests cannot import
JOB = {"MASTER_ADDR": "job-master-0", "MASTER_PORT": "23456", "WORLD_SIZE": "4", "RANK": "3"}


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, Place()),
        ({"RANK": "0", "WORLD_SIZE": "1"}, Place()),
        (JOB, Place(rank=3, size=4, rendezvous="env://")),
        (JOB | {"LOCAL_RANK": "1"}, Place(rank=3, size=4, local_rank=1, rendezvous="env://")),
        (
            {"PET_NNODES": "2", "PET_NODE_RANK": "1", "PET_MASTER_ADDR": "a", "PET_MASTER_PORT": "7"},
            Place(rank=1, size=2, rendezvous="tcp://a:7"),
        ),
        ({"PET_NNODES": "1", "PET_NPROC_PER_NODE": "1"}, Place()),
    ],
)
def test_the_place_is_read_from_the_environment(environment: dict[str, str], place: Place) -> None:
    assert Place.of(environment) == place


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"WORLD_SIZE": "2"}, "RANK, MASTER_ADDR, MASTER_PORT is not set, but WORLD_SIZE is; start with torchrun"),
        (JOB | {"RANK": "4"}, "RANK is 4; it must be from 0 to below WORLD_SIZE, which is 4"),
        (JOB | {"RANK": "first"}, "must be whole numbers"),
        ({"PET_NNODES": "1:3"}, "ask for torchrun"),
        ({"PET_NNODES": "2", "PET_NPROC_PER_NODE": "4"}, "ask for torchrun"),
    ],
)
def test_half_a_place_is_refused(environment: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        Place.of(environment)


def train(ranks: RankServer, size: int, dataset: Path, out: Path, *options: str) -> dict[str, torch.Tensor]:
    ranks.run(size, dataset, f"--out={out}", *OPTIONS, *options)
    return load_file(out / "model.safetensors")


def check_equal(weights: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert weights.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "options"),
    [
        pytest.param(2, SGD, id="2 sgd"),
        pytest.param(3, SGD, id="3 sgd", marks=pytest.mark.slow),
        pytest.param(3, ("--learning-rate=1e-3",), id="3 adamw", marks=pytest.mark.slow),
    ],
)
def test_ddp_of_w_ranks_is_one_rank_with_w_times_the_batch(
    size: int, options: tuple[str, ...], ranks: RankServer, dataset: Path, tmp_path: Path
) -> None:
    one = train(ranks, 1, dataset, tmp_path / "one", *options, f"--batch-tokens={256 * size}")
    many = train(ranks, size, dataset, tmp_path / "many", *options, "--batch-tokens=256")
    check_equal(many, one)
    assert read_manifest(tmp_path / "many").counts["ranks"] == size


@pytest.mark.slow
@pytest.mark.parametrize("options", [SGD, ("--learning-rate=1e-3", "--num-layers=2")], ids=["sgd", "adamw"])
def test_fsdp_takes_the_steps_of_ddp(
    options: tuple[str, ...], ranks: RankServer, dataset: Path, tmp_path: Path
) -> None:
    ddp = train(ranks, 2, dataset, tmp_path / "ddp", *options, "--batch-tokens=256")
    fsdp = train(ranks, 2, dataset, tmp_path / "fsdp", *options, "--batch-tokens=256", "--strategy=fsdp")
    check_equal(fsdp, ddp)
    one = train(ranks, 1, dataset, tmp_path / "one", *options, "--batch-tokens=512", "--strategy=fsdp")
    check_equal(one, ddp)


def test_local_sgd_that_averages_in_every_step_is_ddp(ranks: RankServer, dataset: Path, tmp_path: Path) -> None:
    options = (*SGD, "--batch-tokens=256")
    ddp = train(ranks, 2, dataset, tmp_path / "ddp", *options)
    local = train(ranks, 2, dataset, tmp_path / "local", *options, "--strategy=local-sgd", "--average-every=1")
    check_equal(local, ddp)
    seldom = train(ranks, 2, dataset, tmp_path / "seldom", *options, "--strategy=local-sgd", "--average-every=5")
    with pytest.raises(AssertionError):
        check_equal(seldom, ddp)


@pytest.mark.slow
def test_local_sgd_learns_and_sends_less(ranks: RankServer, dataset: Path, tmp_path: Path) -> None:
    options = ("--epochs=4", "--learning-rate=3e-3", "--batch-tokens=256", "--strategy=local-sgd", "--average-every=5")
    seen = {}
    for name, more in {"plain": (), "diloco": ("--outer-momentum=0.5", "--outer-learning-rate=0.7")}.items():
        out = tmp_path / name
        output = ranks.run(2, dataset, f"--out={out}", *OPTIONS, *options, *more)
        seen[name] = int(output.rpartition("bytes_sent=")[2].split()[0])
        assert read_manifest(out).stats["validation_accuracy"] > 0.8, name
    parameters = read_manifest(tmp_path / "plain").counts["parameters"]
    steps = -(-360 * 16 // 512) * 4
    assert 0 < seen["plain"] == seen["diloco"] < 2 * 4 * parameters * steps / 2


def test_replicas_of_different_random_starts_are_not_averaged(ranks: RankServer, dataset: Path, tmp_path: Path) -> None:
    started = ranks.start_all(2, dataset, f"--out={tmp_path / 'model'}", *OPTIONS, seeds_differ=True)
    assert [rank.wait() for rank in started] == [2, 2]
    for rank in started:
        line = rank.output.splitlines()[-1]
        assert line.startswith("error: seed is 0 on rank 0, 1 on rank 1; replicas that start from different random")
        assert "chance level" in line
    assert not (tmp_path / "model").exists()


def test_only_rank_0_speaks_and_writes(ranks: RankServer, dataset: Path, tmp_path: Path) -> None:
    started = ranks.start_all(2, dataset, f"--out={tmp_path / 'model'}", *OPTIONS)
    assert [rank.wait() for rank in started] == [0, 0]
    assert "epoch=1 train_loss=" in started[0].output
    assert started[1].output == ""
