"""The dataset as the loop wants it: token ids and labels of the train and the validation split."""

from __future__ import annotations

import hashlib
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
from intclass.components.finetune.token_cache import TokenCache
from intclass.components.finetune.tokenizer import TextReader, Tokens
from intclass.components.shared.errors import RecordsError
from intclass.components.shared.subset import subset

_COLUMNS: Final[dict[Encoding, str]] = {"prefix": "prefix", "prefix-tokens": "prefix", "infix": "canonical"}
_REORDER_STREAM: Final = 1  # keeps these draws apart from those of the batches


Limits = tuple[int | None, int | None]  # of examples in the train and the validation split


@dataclass(frozen=True)
class Split:
    """Token ids of n inputs, and their labels (n,)."""

    ids: Sequence[Sequence[int]]
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
    cache: TokenCache | None = None
    digest: str = ""  # of the texts and how they are read

    def __len__(self) -> int:
        return len(self.texts)

    def epoch(self, number: int) -> Split:
        """The split as it reads in that epoch: a matter of (seed, number) alone."""
        key = (self.digest, self.seed, number) if self.reordered else (self.digest,)
        return Split(cached(self.cache, key, lambda: self._tokens(number)).ids, self.labels)

    def _tokens(self, number: int) -> Tokens:
        texts = self.texts
        if self.reordered:
            rng = np.random.default_rng((self.seed, number, _REORDER_STREAM))
            texts = [" ".join(reorder(text.split(), rng)) for text in texts]
        return self.reader(texts)


def read_target(examples: pa.Table, *, source: str) -> str:
    """The one target that the examples are labelled by; raises RecordsError if there is none, or several."""
    targets = pc.unique(examples["target"]).to_pylist()
    if len(targets) != 1 or targets[0] not in LABELS:
        raise RecordsError(f"{source}: the target is {targets or 'missing'}; it must be one of {', '.join(LABELS)}")
    return str(targets[0])


def read_splits(
    examples: pa.Table, encoder: Encoder, *, reordered: bool, seed: int, limits: Limits = (None, None)
) -> tuple[tuple[TrainSplit, Split], dict[str, int]]:
    """The train and the validation split; how many examples they hold, and how many inputs were too long.

    The two have at most as many examples as their `limits` say, if any. Raises RecordsError if a split is empty, or
    the train split lacks a class.
    """
    reader, cache = encoder.reader(), TokenCache.of_environment()
    texts, labels = read_texts(examples, "train", encoder.encoding, limit=limits[0])
    if missing := {0, 1} - set(labels.tolist()):
        name = LABELS[encoder.target][missing.pop()]
        raise RecordsError(f"the train split has no '{name}' example among its {len(labels)}: draw more functions")
    digest = _digest(reader, texts) if cache else ""
    training = TrainSplit(
        texts=texts, labels=labels, reader=reader, reordered=reordered, seed=seed, cache=cache, digest=digest
    )

    validation_texts, validation_labels = read_texts(examples, "validation", encoder.encoding, limit=limits[1])
    validation_digest = _digest(reader, validation_texts) if cache else ""
    tokens = cached(cache, (validation_digest,), lambda: reader(validation_texts))
    counts = {
        "train_examples": len(texts),
        "validation_examples": len(validation_texts),
        "truncated_inputs": cached(cache, (digest,), lambda: reader(texts)).truncated + tokens.truncated,
    }
    return (training, Split(tokens.ids, validation_labels)), counts


def cached(cache: TokenCache | None, key: tuple[object, ...], make: Callable[[], Tokens]) -> Tokens:
    """What `make` gives, from the cache if there is one."""
    return cache.get(key, make) if cache else make()


def _digest(reader: TextReader, texts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join([reader.digest, *texts]).encode()).hexdigest()


def read_texts(
    examples: pa.Table, name: str, encoding: Encoding, *, limit: int | None = None
) -> tuple[list[str], Ints]:
    """The texts and the labels (n,) of one split, or of `limit` examples of it; raises RecordsError if it is empty."""
    rows = examples.filter(pc.equal(examples["split"], name))
    if len(rows) == 0:
        raise RecordsError(f"the {name} split is empty: draw more functions, or give the split a larger share")
    if limit is not None:
        rows = rows.take(subset(len(rows), limit))
    return rows[_COLUMNS[encoding]].to_pylist(), np.asarray(rows["label"], dtype=np.int64)
