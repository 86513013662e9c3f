"""Real processes are killed, and what goes on from their checkpoints ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from intclass.components.finetune import FinetuneConfig, finetune, inference, loop
from intclass.components.shared import storage
from intclass.components.shared.command import EXIT_TRY_AGAIN
from intclass.components.shared.manifest import is_complete, read_manifest

OPTIONS = (
    "--epochs=2",
    "--hidden-size=16",
    "--num-layers=1",
    "--num-heads=2",
    "--batch-tokens=384",
    "--learning-rate=3e-3",
    "--device=cpu",
    "--precision=float32",
    "--checkpoint-every=1",
)
RankServer = Any  # conftest's, which tests cannot import


def arguments(dataset: object, out: object, *more: str) -> tuple[str, ...]:
    return (str(dataset), f"--out={out}", *OPTIONS, *more)


def steps_taken(out: str | Path) -> int:
    """The steps behind the newest checkpoint."""
    files = storage.list_files(storage.join(out, "checkpoints"))
    return max((int(file[-11:-3]) for file in files if "/last-" in file), default=0)


def kill_at(rank: Any, out: str | Path, step: int, number: int = signal.SIGKILL) -> None:
    """Kill the process once it has saved that step."""
    end = time.monotonic() + 100
    while steps_taken(out) < step:
        assert time.monotonic() < end, rank.output
        time.sleep(0.002)
    rank.kill(number)


def made(out: str | Path) -> dict[str, str]:
    """Name and hash of everything that the stage made."""
    return dict(read_manifest(out).files)


@pytest.fixture(scope="module")
def undisturbed(ranks: RankServer, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The model that so many ranks train when nobody kills them."""
    folder, trained = tmp_path_factory.mktemp("undisturbed"), {}

    def train(size: int) -> Path:
        if size not in trained:
            trained[size] = folder / str(size)
            ranks.run(size, *arguments(dataset, trained[size]))
        return Path(trained[size])

    return train


def test_killed_again_and_again_it_ends_as_if_undisturbed(
    ranks: RankServer, dataset: Path, undisturbed: Callable[[int], Path], tmp_path: Path
) -> None:
    out = tmp_path / "model"
    for step in (1, 7, 17, 20):  # in the first epoch, at its end, in the second
        rank = ranks.start(*arguments(dataset, out))
        kill_at(rank, out, step)
        assert rank.wait() == -signal.SIGKILL
    rank = ranks.start(*arguments(dataset, out))
    assert rank.wait() == 0, rank.output
    assert made(out) == made(undisturbed(1))
    assert not (out / "checkpoints").exists()


@pytest.mark.slow
def test_checkpoints_in_a_bucket(
    ranks: RankServer, dataset: Path, undisturbed: Callable[[int], Path], gs_root: str
) -> None:
    rank = ranks.start(*arguments(dataset, f"{gs_root}/model"))
    kill_at(rank, f"{gs_root}/model", 5)
    assert rank.wait() == -signal.SIGKILL
    rank = ranks.start(*arguments(dataset, f"{gs_root}/model"))
    assert rank.wait() == 0, rank.output
    assert made(f"{gs_root}/model") == made(undisturbed(1))


def test_sigterm_saves_and_the_same_command_goes_on(
    ranks: RankServer, dataset: Path, undisturbed: Callable[[int], Path], tmp_path: Path
) -> None:
    out = tmp_path / "model"
    seldom = arguments(dataset, out, "--checkpoint-every=100000")
    rank = ranks.start(*seldom)
    while "samples" not in rank.output:
        time.sleep(0.002)
    rank.kill(signal.SIGTERM)
    assert rank.wait(seconds=10) in (128 + signal.SIGTERM, -signal.SIGTERM), rank.output
    rank = ranks.start(*seldom)
    assert rank.wait() == 0, rank.output
    assert made(out) == made(undisturbed(1))


def test_sigterm_is_heard_while_the_validation_split_is_looked_at(
    dataset: Path,
    tmp_path: Path,
    tiny: FinetuneConfig,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupted(*given: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return inference.predict_logits(*given, **options)

    config = replace(tiny, epochs=2)
    finetune(dataset, tmp_path / "whole", config)
    capsys.readouterr()
    monkeypatch.setattr(loop, "predict_logits", interrupted)
    with pytest.raises(SystemExit) as ended:
        finetune(dataset, tmp_path / "stopped", config)
    monkeypatch.undo()
    assert ended.value.code == 128 + signal.SIGTERM
    assert "epoch=1" not in capsys.readouterr().out
    finetune(dataset, tmp_path / "stopped", config)
    assert made(tmp_path / "stopped") == made(tmp_path / "whole")


def test_a_lost_rank_ends_the_others_in_one_line_and_all_go_on_together(
    ranks: RankServer, dataset: Path, undisturbed: Callable[[int], Path], tmp_path: Path
) -> None:
    out = tmp_path / "model"
    both = ranks.start_all(2, *arguments(dataset, out))
    kill_at(both[1], out, 6)
    assert [rank.wait() for rank in both] == [EXIT_TRY_AGAIN, -signal.SIGKILL]
    last = both[0].output.splitlines()[-1]
    assert last.startswith("error: rank 0 of 2 lost another rank (")
    assert last.endswith("the same command goes on from the last checkpoint")
    ranks.run(2, *arguments(dataset, out))
    assert made(out) == made(undisturbed(2))


@pytest.mark.slow
def test_replicas_go_on_with_their_own_moments(ranks: RankServer, dataset: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "model", tmp_path / "whole"
    local = ("--strategy=local-sgd", "--average-every=4", "--outer-momentum=0.5")
    ranks.run(2, *arguments(dataset, whole, *local))
    both = ranks.start_all(2, *arguments(dataset, out, *local))
    kill_at(both[0], out, 8)
    assert [rank.wait() for rank in both] == [-signal.SIGKILL, EXIT_TRY_AGAIN]
    ranks.run(2, *arguments(dataset, out, *local))
    assert made(out) == made(whole)


@pytest.mark.slow
def test_sharded_ranks_that_were_killed_end_as_if_undisturbed(ranks: RankServer, dataset: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "model", tmp_path / "whole"
    ranks.run(2, *arguments(dataset, whole, "--strategy=fsdp"))
    both = ranks.start_all(2, *arguments(dataset, out, "--strategy=fsdp"))
    kill_at(both[1], out, 6)
    assert [rank.wait() for rank in both] == [EXIT_TRY_AGAIN, -signal.SIGKILL]
    ranks.run(2, *arguments(dataset, out, "--strategy=fsdp"))
    assert made(out) == made(whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "strategy"), [(2, 1, "ddp"), (1, 3, "ddp"), (2, 1, "fsdp"), (1, 3, "fsdp")]
)
def test_a_checkpoint_goes_on_with_another_number_of_ranks(
    before: int,
    after: int,
    strategy: str,
    ranks: RankServer,
    dataset: Path,
    tmp_path: Path,
) -> None:
    out, whole = tmp_path / "model", tmp_path / "whole"
    exact = ("--dropout=0", "--optimizer=sgd", "--learning-rate=0.1", f"--strategy={strategy}")
    ranks.run(before, *arguments(dataset, whole, *exact))
    started = ranks.start_all(before, *arguments(dataset, out, *exact))
    kill_at(started[-1], out, 6)
    for rank in started:
        rank.wait()
    assert "ranks" in ranks.run(after, *arguments(dataset, out, *exact))
    expected, weights = load_file(whole / "model.safetensors"), load_file(out / "model.safetensors")
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-4, atol=1e-5)


@pytest.mark.slow  # each rank loads torch and transformers, twice
@pytest.mark.timeout(900)
def test_torchrun_restarts_what_was_killed_and_it_ends_as_if_undisturbed(
    dataset: Path, undisturbed: Callable[[int], Path], tmp_path: Path
) -> None:
    out = tmp_path / "model"
    # On its restart gloo sometimes fails to connect: one restart might not be enough.
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=3")
    command = [sys.executable, *torchrun, "-m", "intclass.components.finetune", *arguments(dataset, out)]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        while steps_taken(out) < 6:
            assert process.poll() is None
            time.sleep(0.002)
        psutil.Process(process.pid).children()[1].kill()
        assert process.wait(timeout=800) == 0
    finally:
        process.terminate()
    assert made(out) == made(undisturbed(2))


def test_a_training_that_paused_goes_on_as_if_it_had_not(dataset: Path, tmp_path: Path, tiny: FinetuneConfig) -> None:
    finetune(dataset, tmp_path / "whole", tiny)
    for epochs in (1, 1, 3):  # the second has nothing to do
        with pytest.raises(SystemExit) as ended:
            finetune(dataset, tmp_path / "paused", replace(tiny, pause_after=epochs))
        assert ended.value.code == 0
        assert not is_complete(tmp_path / "paused")
    finetune(dataset, tmp_path / "paused", tiny)
    assert made(tmp_path / "paused") == made(tmp_path / "whole")


def test_a_training_that_paused_may_be_given_fewer_epochs(dataset: Path, tmp_path: Path, tiny: FinetuneConfig) -> None:
    with pytest.raises(SystemExit):
        finetune(dataset, tmp_path, replace(tiny, pause_after=1))
    manifest = finetune(dataset, tmp_path, replace(tiny, epochs=2))
    assert (manifest.config["epochs"], manifest.counts["epochs"]) == (2, 2)
