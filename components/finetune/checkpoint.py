"""Checkpoints: the last state of a training and its best weights, each one file that is there whole or not at all.

The last state is `last-00000123.pt`, numbered by the steps taken. It names the best epoch, whose weights lie in
`best-0007.pt` and are written first. What neither needs any more goes last, so a kill at any moment leaves a state that
can be gone on from. The files hold tensors and plain values, and loading them runs no code of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import torch

from intclass.components.finetune.serialization import from_bytes, to_bytes
from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, StorageError

FOLDER_NAME: Final = "checkpoints"  # beside the model that they become
_LAST: Final = re.compile(r"last-(\d{8})\.pt")
# Options that shape neither the weights nor the data: another training may go on with other values.
FORKABLE: Final = frozenset(
    {"learning_rate", "schedule", "warmup_fraction", "batch_tokens", "batch_growth", "weight_decay", "dropout"}
    | {"label_smoothing", "class_weights", "max_gradient_norm", "patience"}
)

OUTER: Final = "outer"  # DiLoCo's momentum in the state: an optimiser of changes, which do not decay

Weights = dict[str, torch.Tensor]
Content = dict[str, Any]


def fork(source: str | Path, destination: str | Path, changes: Mapping[str, Any]) -> None:
    """Copy a training's last checkpoint, taken between two epochs, so that another goes on with the options `changes`.

    They are among FORKABLE. The state is written last: a folder that has one is whole. Raises StorageError if there is
    no checkpoint to copy.
    """
    assert set(changes) <= FORKABLE, changes
    origin, copy = (Checkpoints(folder, identity={}, every=1) for folder in (source, destination))
    last = origin.last
    if last is None:
        raise StorageError(f"{source}: no checkpoint to go on from")
    content = origin.read(last)
    content["identity"] = {**content["identity"], **changes}
    if "batch_tokens" in changes:
        content["batch_tokens"] = changes["batch_tokens"] * len(content["ranks"])
    if "weight_decay" in changes:
        for groups in _param_groups([content["shared"], content["ranks"]]):
            groups[0]["weight_decay"] = changes["weight_decay"]  # matrices; what follows does not decay
    if content["best_epoch"]:
        best = f"best-{content['best_epoch']:04}.pt"
        copy.write(best, origin.read(best))
    copy.write(last, content)


def _param_groups(state: object) -> Iterator[list[dict[str, Any]]]:
    """Of each optimiser of weights within the state, wherever a strategy keeps it; Muon's state is one of two."""
    if isinstance(state, Mapping):
        if "param_groups" in state:
            yield state["param_groups"]
            return
        for name, value in state.items():
            if name != OUTER:
                yield from _param_groups(value)
    elif isinstance(state, list):
        for value in state:
            yield from _param_groups(value)


class Checkpoints:
    """The checkpoints of one training in a folder, local or gs://.

    `identity` is what the training is: options and data. A checkpoint of another training is refused; `defaults` are
    what an option was before there was that option.
    """

    def __init__(
        self, folder: str | Path, *, identity: Mapping[str, Any], every: int, defaults: Mapping[str, Any] | None = None
    ) -> None:
        self.folder, self.every = str(folder), every
        self._identity = dict(identity)
        self._defaults = dict(defaults or {})
        self._best_written = 0

    def save(self, steps: int, content: Content, *, best_epoch: int, best_weights: Weights | None) -> None:
        """Write the state after so many steps; `best_weights` are those of `best_epoch`, if there is one yet."""
        best, last = f"best-{best_epoch:04}.pt", f"last-{steps:08}.pt"
        if best_weights is not None and best_epoch != self._best_written:
            self.write(best, best_weights)
            self._best_written = best_epoch
        self.write(last, {**content, "best_epoch": best_epoch, "identity": self._identity})
        for file in storage.list_files(self.folder):
            if storage.name_below(self.folder, file) not in (best, last):
                storage.delete(file)

    def load(self) -> tuple[Content, Weights | None] | None:
        """The last state and the best weights, or None where there is no checkpoint.

        Raises ConfigError if it is another training's, StorageError if it cannot be read.
        """
        last = self.last
        if last is None:
            return None
        content = self.read(last)
        self._refuse_another(content["identity"])
        best_epoch = content["best_epoch"]
        self._best_written = best_epoch
        return content, cast("Weights", self.read(f"best-{best_epoch:04}.pt")) if best_epoch else None

    @property
    def last(self) -> str | None:
        """The name of the last state's file, or None where there is no checkpoint."""
        names = (storage.name_below(self.folder, file) for file in storage.list_files(self.folder))
        return max(filter(_LAST.fullmatch, names), default=None)

    def delete(self) -> None:
        """Delete them all: the training has come to its end."""
        storage.delete(self.folder)

    def _refuse_another(self, identity: Mapping[str, Any]) -> None:
        for name in sorted({*identity, *self._identity}):
            there, here = identity.get(name, self._defaults.get(name)), self._identity.get(name)
            if there != here:
                raise ConfigError(
                    f"{self.folder} holds a training with {name} {there!r}, not {here!r}; give the same options and "
                    "data to go on with it, delete that folder to begin anew, or give another --out"
                )

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Write one file, whole or not at all."""
        storage.write_bytes(storage.join(self.folder, name), to_bytes(dict(content)))

    def read(self, name: str) -> Content:
        """Read one file; raises StorageError if that cannot be done."""
        path = storage.join(self.folder, name)
        data = storage.read_bytes(path)
        try:
            return dict(from_bytes(data))
        except Exception as error:  # torch has a different one for each way in which a file can be broken
            raise StorageError(f"{path}: not a checkpoint; delete {self.folder} to begin anew") from error
