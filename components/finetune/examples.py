"""The dataset as the loop wants it: token ids and labels of the train and the validation split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from intclass.components.finetune.batches import Ints
from intclass.components.finetune.config import Encoding
from intclass.components.finetune.model import LABELS, Encoder
from intclass.components.finetune.reorder import reorder
from intclass.components.finetune.tokenizer import Tokens
from intclass.components.shared.errors import RecordsError

_COLUMNS: Final[dict[Encoding, str]] = {"prefix": "prefix", "infix": "canonical"}
_REORDER_STREAM: Final = 1  # keeps these draws apart from those of the batches


@dataclass(frozen=True)
class Split:
    """Token ids of n inputs, and their labels (n,)."""

    ids: list[list[int]]
    labels: Ints

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, kw_only=True)
class TrainSplit:
    """The texts to learn from, which may read differently in each epoch."""

    texts: list[str]
    labels: Ints
    reader: Callable[[Sequence[str]], Tokens]
    reordered: bool  # prefix words with their sums and products in another order
    seed: int

    def __len__(self) -> int:
        return len(self.texts)

    def epoch(self, number: int) -> Split:
        """The split as it reads in that epoch: a matter of (seed, number) alone."""
        texts = self.texts
        if self.reordered:
            rng = np.random.default_rng((self.seed, number, _REORDER_STREAM))
            texts = [" ".join(reorder(text.split(), rng)) for text in texts]
        return Split(self.reader(texts).ids, self.labels)


def read_target(examples: pa.Table, *, source: str) -> str:
    """The one target that the examples are labelled by; raises RecordsError if there is none, or several."""
    targets = pc.unique(examples["target"]).to_pylist()
    if len(targets) != 1 or targets[0] not in LABELS:
        raise RecordsError(f"{source}: the target is {targets or 'missing'}; it must be one of {', '.join(LABELS)}")
    return str(targets[0])


def read_splits(
    examples: pa.Table, encoder: Encoder, *, reordered: bool, seed: int
) -> tuple[tuple[TrainSplit, Split], dict[str, int]]:
    """The train and the validation split; how many examples they hold, and how many inputs were too long.

    Raises RecordsError if a split is empty, or the train split lacks a class.
    """
    reader = encoder.reader()
    texts, labels = read_texts(examples, "train", encoder.encoding)
    if missing := {0, 1} - set(labels.tolist()):
        name = LABELS[encoder.target][missing.pop()]
        raise RecordsError(f"the train split has no '{name}' example among its {len(labels)}: draw more functions")
    training = TrainSplit(texts=texts, labels=labels, reader=reader, reordered=reordered, seed=seed)

    validation_texts, validation_labels = read_texts(examples, "validation", encoder.encoding)
    tokens = reader(validation_texts)
    counts = {
        "train_examples": len(texts),
        "validation_examples": len(validation_texts),
        "truncated_inputs": reader(texts).truncated + tokens.truncated,
    }
    return (training, Split(tokens.ids, validation_labels)), counts


def read_texts(examples: pa.Table, name: str, encoding: Encoding) -> tuple[list[str], Ints]:
    """The texts and the labels (n,) of one split; raises RecordsError if it is empty."""
    rows = examples.filter(pc.equal(examples["split"], name))
    if len(rows) == 0:
        raise RecordsError(f"the {name} split is empty: draw more functions, or give the split a larger share")
    return rows[_COLUMNS[encoding]].to_pylist(), np.asarray(rows["label"], dtype=np.int64)
