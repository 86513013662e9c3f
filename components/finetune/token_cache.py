"""Token ids in a folder, for many trainings on the same examples: the first to need them makes them.

INTCLASS_TOKEN_CACHE names the folder; without it nothing is kept. On a disk, trainings of one machine map the same
pages; from a gs:// folder each reads its own copy.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self, cast, overload

import numpy as np
import numpy.typing as npt

from intclass.components.finetune.tokenizer import Tokens
from intclass.components.shared import storage

FOLDER_VARIABLE: Final = "INTCLASS_TOKEN_CACHE"
_HEADER: Final = 2  # how many texts were truncated, and how many there are


class TokenCache:
    """Tokens by what they were made from."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = folder

    @classmethod
    def of_environment(cls) -> Self | None:
        """The cache that the environment names, or None."""
        folder = os.environ.get(FOLDER_VARIABLE)
        return cls(folder) if folder else None

    def get(self, key: Sequence[object], make: Callable[[], Tokens]) -> Tokens:
        """The tokens of that key, made and written if no process has done that yet."""
        path = storage.join(self._folder, f"{hashlib.sha256(repr(list(key)).encode()).hexdigest()[:32]}.npy")
        if not storage.exists(path):
            buffer = io.BytesIO()
            np.save(buffer, _flat(make()))
            storage.write_bytes(path, buffer.getvalue())
        numbers = np.asarray(_load(path))
        truncated, count = (int(number) for number in numbers[:_HEADER])
        ends = numbers[_HEADER : _HEADER + count]
        return Tokens(_Rows(numbers[_HEADER + count :], ends), truncated)


def _load(path: str) -> npt.NDArray[np.int32]:
    """The array, mapped where that can be done."""
    if storage.is_remote(path):
        return cast("npt.NDArray[np.int32]", np.load(io.BytesIO(storage.read_bytes(path))))
    return cast("npt.NDArray[np.int32]", np.load(path, mmap_mode="r"))


class _Rows(Sequence[Sequence[int]]):
    """Rows of one long array, which stay where they are."""

    def __init__(self, flat: npt.NDArray[np.int32], ends: npt.NDArray[np.int32]) -> None:
        self._flat = flat
        self._bounds = [0, *ends.tolist()]

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @overload
    def __getitem__(self, place: int) -> Sequence[int]: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Sequence[int]]: ...
    def __getitem__(self, place: int | slice) -> Sequence[int] | Sequence[Sequence[int]]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        return self._flat[self._bounds[place] : self._bounds[place + 1]]  # type: ignore[return-value]


def _flat(tokens: Tokens) -> npt.NDArray[np.int32]:
    """Header, the end of each row, and all rows, in one array that can be mapped."""
    lengths = np.array([len(row) for row in tokens.ids], dtype=np.int32)
    rows = [np.asarray(row, dtype=np.int32) for row in tokens.ids]
    header = np.array([tokens.truncated, len(rows)], dtype=np.int32)
    return np.concatenate([header, np.cumsum(lengths, dtype=np.int32), *rows])
