"""What a growing dataset is made of, in one small file beside it, so that every run knows where the last one ended.

The file `state.json` in the folder says which batches there are and which one is being made. A batch is claimed before
its functions are drawn and committed when its outcomes lie in the folder. A run that dies in between leaves its claim;
the next run takes it over, with the same indices, and finds the rows that are finished in the journal. On gs:// each
write is made on the generation that was read: of two runs at once one fails, and nothing is drawn twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from intclass.components.shared import storage
from intclass.components.shared.errors import ConfigError, RecordsError

STATE_FILE: Final = "state.json"
BATCHES: Final = "batches"
DATASETS: Final = "datasets"
MODELS: Final = "models"
_FORMAT: Final = 1


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Functions of the sequence from `start_index` to before `next_index`, which is -1 until they are drawn."""

    number: int
    start_index: int
    count: int
    next_index: int = -1

    @property
    def name(self) -> str:
        """Of its folder below `batches`."""
        return f"batch-{self.number:05}"


@dataclass(frozen=True, kw_only=True)
class State:
    """A growing dataset.

    Attributes:
        sequence: The options that say which function an index means; they never change.
        batches: Those whose outcomes lie in the folder, in order.
        pending: The one that is being made.
        versions: Examples in each version of the dataset, the oldest first.
        trained_on: Examples of the version that the newest model was trained on; 0 before the first.
    """

    sequence: Mapping[str, Any]
    batches: tuple[Batch, ...] = ()
    pending: Batch | None = None
    versions: tuple[int, ...] = ()
    trained_on: int = 0
    format: int = field(default=_FORMAT)

    @property
    def next_index(self) -> int:
        """Where the next batch begins."""
        return self.batches[-1].next_index if self.batches else 0


def claim(folder: str, sequence: Mapping[str, Any], *, count: int) -> Batch:
    """The batch that is to be made now: the one that an earlier run has left unfinished, or the next `count` functions.

    Raises ConfigError if the folder's dataset is of another sequence, or another run has been faster.
    """
    state, generation = _read(folder)
    state = state or State(sequence=dict(sequence))
    if dict(state.sequence) != dict(sequence):
        raise ConfigError(
            f"{folder} grows by {_listed(state.sequence)}, not by {_listed(sequence)}; take another folder"
        )
    if state.pending is None:
        pending = Batch(number=len(state.batches) + 1, start_index=state.next_index, count=count)
        state = replace(state, pending=pending)
        _write(folder, state, generation)
    assert state.pending is not None
    return state.pending


def commit(folder: str, number: int, outcomes: str | Path, *, next_index: int) -> str:
    """Keep the outcomes of the claimed batch; returns the folder of all batches. A second call does nothing.

    Raises ConfigError if another batch is claimed.
    """
    state, generation = _known(folder)
    batches = storage.join(folder, BATCHES)
    if number <= len(state.batches):
        return batches
    if state.pending is None or state.pending.number != number:
        raise ConfigError(f"{folder}: batch {number} is not the one that is being made; start the run anew")
    storage.copy_folder(outcomes, storage.join(batches, state.pending.name))
    done = replace(state.pending, next_index=next_index)
    _write(folder, replace(state, batches=(*state.batches, done), pending=None), generation)
    return batches


def publish(folder: str, examples: str | Path, *, num_examples: int, growth: float) -> bool:
    """Keep the examples as the version of the newest batch; returns whether it is time to train.

    That is so for the first version, and when there are `growth` times more examples than the last model has seen: 0.2
    waits for a fifth more. A second call for the same batch changes nothing.
    """
    if not growth >= 0:
        raise ConfigError(f"growth is {growth}; give a share from 0, such as 0.2 for a fifth more")
    state, generation = _known(folder)
    if len(state.versions) < len(state.batches):
        storage.copy_folder(examples, storage.join(folder, DATASETS, f"v{len(state.batches):05}"))
        # A run that died between the two leaves no version of its batch; the next one has what that would have had.
        missing = len(state.batches) - len(state.versions)
        _write(folder, replace(state, versions=(*state.versions, *[num_examples] * missing)), generation)
    return state.trained_on == 0 or num_examples >= (1 + growth) * state.trained_on


def record_training(folder: str, model: str | Path) -> str:
    """Keep the model that was trained on the newest version; returns its folder."""
    state, generation = _known(folder)
    place = storage.join(folder, MODELS, f"v{len(state.versions):05}")
    storage.copy_folder(model, place)
    _write(folder, replace(state, trained_on=state.versions[-1]), generation)
    return place


def read_state(folder: str) -> State | None:
    """The folder's state, or None where nothing has been claimed yet; raises RecordsError if it cannot be read."""
    return _read(folder)[0]


def _known(folder: str) -> tuple[State, int]:
    state, generation = _read(folder)
    if state is None:
        raise ConfigError(f"{folder}: no batch has been claimed there")
    return state, generation


def _read(folder: str) -> tuple[State | None, int]:
    path = storage.join(folder, STATE_FILE)
    generation = storage.generation(path) if storage.is_remote(path) else 0
    if not storage.exists(path):
        return None, generation
    try:
        record = json.loads(storage.read_text(path))
        if record["format"] != _FORMAT:
            raise RecordsError(f"{path}: written by another version of this program (format {record['format']})")
        batches = tuple(Batch(**batch) for batch in record.pop("batches"))
        pending = record.pop("pending")
        versions = tuple(record.pop("versions"))
        found = State(**record, batches=batches, pending=Batch(**pending) if pending else None, versions=versions)
    except (ValueError, TypeError, KeyError) as error:
        raise RecordsError(f"{path}: not the state of a growing dataset: {error}") from error
    return found, generation


def _write(folder: str, state: State, generation: int) -> None:
    path, text = storage.join(folder, STATE_FILE), json.dumps(asdict(state), indent=2, sort_keys=True) + "\n"
    if not storage.is_remote(path):
        storage.write_text(path, text)
    elif storage.write_generation(path, text.encode(), replacing=generation) is None:
        raise ConfigError(f"{path}: another run has written it meanwhile; let one run at a time grow a dataset")


def _listed(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())
