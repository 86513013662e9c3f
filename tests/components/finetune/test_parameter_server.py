"""Servers and workers as real processes, of which one is killed."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from intclass.components.shared.command import EXIT_TRY_AGAIN
from intclass.components.shared.manifest import read_manifest

OPTIONS = (
    "--strategy=parameter-server",
    "--epochs=6",
    "--hidden-size=16",
    "--num-layers=1",
    "--num-heads=2",
    "--batch-tokens=256",
    "--learning-rate=5e-3",
    "--device=cpu",
    "--precision=float32",
)
RankServer = Any  # conftest's, which tests cannot import


@pytest.mark.parametrize(
    ("consistency", "servers"),
    [("sync", 1), pytest.param("stale", 2, marks=pytest.mark.slow), pytest.param("async", 2, marks=pytest.mark.slow)],
)
def test_a_lost_worker_does_not_stop_it(
    consistency: str, servers: int, ranks: RankServer, dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    options = (dataset, f"--out={out}", *OPTIONS, f"--consistency={consistency}", f"--servers={servers}")
    started = ranks.start_all(servers + 2, *options)
    while "epoch=1 " not in started[0].output:
        time.sleep(0.01)
    started[-1].kill()
    assert [rank.wait() for rank in started] == [*[0] * (servers + 1), -signal.SIGKILL], started[0].output
    manifest = read_manifest(out)
    assert manifest.stats["validation_accuracy"] > 0.8
    assert manifest.counts["ranks"] == servers + 2
    assert "finetune: 2160/2160 (100 %)" in started[0].output  # every example in every epoch, the lost one's too


@pytest.mark.slow
def test_a_lost_server_ends_all_and_the_same_command_goes_on(ranks: RankServer, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    started = ranks.start_all(3, dataset, f"--out={out}", *OPTIONS, "--servers=2")
    while "epoch=2 " not in started[0].output:
        time.sleep(0.01)
    started[0].kill()
    assert [rank.wait() for rank in started] == [-signal.SIGKILL, EXIT_TRY_AGAIN, EXIT_TRY_AGAIN]
    assert "rank 0 was lost" in started[1].output
    assert "a server was lost" in started[2].output
    output = ranks.run(3, dataset, f"--out={out}", *OPTIONS, "--servers=2")
    assert "epoch=1 " not in output
    assert read_manifest(out).counts["epochs"] == 6


@pytest.mark.slow
def test_sigterm_ends_it_and_the_same_command_goes_on_from_the_last_epoch(
    ranks: RankServer, dataset: Path, tmp_path: Path
) -> None:
    started = ranks.start_all(2, dataset, f"--out={tmp_path / 'model'}", *OPTIONS)
    while "epoch=1 " not in started[0].output:
        time.sleep(0.01)
    started[0].kill(signal.SIGTERM)
    assert [rank.wait(seconds=10) for rank in started] == [128 + signal.SIGTERM, EXIT_TRY_AGAIN]
    assert "epoch=1 " not in ranks.run(2, dataset, f"--out={tmp_path / 'model'}", *OPTIONS)


def test_a_server_without_workers_is_refused(ranks: RankServer, dataset: Path, tmp_path: Path) -> None:
    rank = ranks.start(dataset, f"--out={tmp_path / 'model'}", *OPTIONS)
    assert rank.wait() == 2
    assert "but there are 1 rank(s); start at least 2" in rank.output
