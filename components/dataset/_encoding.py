"""Prefix words, skeleton, family, shape and size of many functions, on all cores where it pays."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final, NamedTuple

import pyarrow as pa

from intclass.components.shared.cores import available_cores
from intclass.components.shared.errors import ExpressionError
from intclass.components.shared.expressions import (
    count_nodes,
    family,
    family_shape,
    parse_trusted,
    prefix_words,
    skeleton_hash,
)
from intclass.components.shared.progress import Progress

CHUNK_ROWS: Final = 500
# Below this a second process costs more, in imports, than it saves.
ROWS_FOR_PROCESSES: Final = 4_000


class Encoding(NamedTuple):
    """What a model and a split need to know of a function; `num_nodes` counts the nodes of the prefix tree."""

    prefix: str
    skeleton: str
    family: str
    shape: str
    num_nodes: int


def encode(canonical: str) -> Encoding | None:
    """The encoding of a canonical text, or None if it cannot be read."""
    try:
        expr = parse_trusted(canonical)
        prefix = " ".join(prefix_words(expr))
        return Encoding(prefix, skeleton_hash(expr), family(expr), family_shape(expr), count_nodes(prefix))
    except ExpressionError:
        return None


def encode_rows(rows: pa.Table, *, workers: int | None = None) -> tuple[pa.Table, dict[str, int]]:
    """The rows with the columns of Encoding, and how many could not be read.

    `workers` processes share the work, by default as many as pay; the result does not depend on their number.
    """
    texts = rows["canonical"].to_pylist()
    with Progress("dataset", total=len(texts)) as progress:
        found: list[Encoding | None] = []
        for chunk in _encoded_chunks(texts, _workers(len(texts)) if workers is None else workers):
            found += chunk
            progress.update(len(chunk))
    encodings = [encoding for encoding in found if encoding is not None]
    kept = rows.filter(pa.array([encoding is not None for encoding in found], pa.bool_()))
    for name in Encoding._fields:
        kind = pa.int32() if name == "num_nodes" else pa.string()
        kept = kept.append_column(name, pa.array([getattr(encoding, name) for encoding in encodings], kind))
    return kept, {"unreadable": len(rows) - len(kept)}


def _workers(rows: int) -> int:
    return min(available_cores(), 1 + rows // ROWS_FOR_PROCESSES)


def _encoded_chunks(texts: Sequence[str], workers: int) -> Iterator[list[Encoding | None]]:
    """The texts' encodings in their order, some hundred at a time."""
    chunks = [texts[start : start + CHUNK_ROWS] for start in range(0, len(texts), CHUNK_ROWS)]
    if workers < 2:
        yield from map(_encode_chunk, chunks)
        return
    # Arrow keeps threads in this process, so a plain fork of it could hang.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_leave_interrupts_to_the_parent)
    try:
        yield from executor.map(_encode_chunk, chunks)
    finally:
        executor.shutdown(cancel_futures=True)


def _encode_chunk(texts: Sequence[str]) -> list[Encoding | None]:
    return [encode(text) for text in texts]


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
