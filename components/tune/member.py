"""One generation of a member of Katib's population-based training.

    python -m intclass.components.tune.member --interval=2 --folder=DIR DATASET --out MODEL [options of finetune]

Katib's pbt copies the folder of a good trial for the next one: the trial finds its parent's checkpoints in `--folder`,
and leaves its own there. It goes on from them with its own options for `--interval` epochs. A member that has trained
all its epochs prints its last metrics again.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from intclass.components.finetune import FinetuneConfig, finetune
from intclass.components.finetune.checkpoint import FOLDER_NAME, FORKABLE, Checkpoints, fork
from intclass.components.finetune.command_line import finetune_config
from intclass.components.shared import storage
from intclass.components.shared.command import guarded
from intclass.components.shared.manifest import is_complete, read_manifest


def train_member(dataset: str, out: str, config: FinetuneConfig, *, folder: Path, interval: int) -> None:
    """Train `interval` more epochs from the checkpoint in `folder`, or from the beginning; writes the model at the end.

    Raises ConfigError and StorageError as `finetune` does.
    """
    model, checkpoints = folder / "model", folder / "model" / FOLDER_NAME
    config = replace(config, patience=config.epochs, pause_after=None)
    if is_complete(model):
        stats = read_manifest(model).stats
        sys.stdout.write(" ".join(f"{name}={value:.5g}" for name, value in stats.items()) + "\n")
        return
    done = _epochs_done(checkpoints)
    if done:
        own = {name: getattr(config, name) for name in FORKABLE}
        fork(checkpoints, checkpoints, {name: value for name, value in own.items() if value is not None})
    if done + interval < config.epochs:
        config = replace(config, pause_after=done + interval)
    finetune(dataset, model, config)
    storage.copy_folder(model, out)


def _epochs_done(checkpoints: Path) -> int:
    """The whole epochs behind the checkpoint, 0 without one."""
    reader = Checkpoints(checkpoints, identity={}, every=1)
    return int(reader.read(reader.last)["position"]["epoch"]) - 1 if reader.last else 0


def _main() -> None:
    parser = argparse.ArgumentParser(prog="member", allow_abbrev=False)
    parser.add_argument("--interval", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("dataset")
    own, options = parser.parse_known_args()
    train_member(own.dataset, own.out, finetune_config(options), folder=own.folder, interval=own.interval)


if __name__ == "__main__":
    guarded(_main)
