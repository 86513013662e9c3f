"""Blocks in order from several processes, which end with the process that started them."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from intclass.components.generate._blocks import Sample, Source, draw_block
from intclass.components.shared.errors import ConfigError


def draw_blocks(source: Source, *, first: int, workers: int) -> Generator[list[Sample]]:
    """Blocks `first`, `first + 1`, ... without end, always in this order.

    One worker is this process itself. Close the iterator to end the others: it waits for the blocks in hand, at
    most a few seconds each. Raises ConfigError as `draw_block` does, and if a worker dies.
    """
    if workers == 1:
        yield from (draw_block(source, block) for block in itertools.count(first))
        return
    # Not forked: the caller may run threads, and a fork of those is a deadlock waiting to happen.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)
    waiting: deque[Future[list[Sample]]] = deque()
    try:
        for block in itertools.count(first):
            with _uninterrupted():
                waiting.append(pool.submit(draw_block, source, block))
            if len(waiting) > workers:  # one block more than workers, so that none is idle
                yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise ConfigError(
            f"one of {workers} workers died, most likely for want of memory; use fewer (1 needs no process of its own)"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes started inside are deaf to Ctrl-C from the start: ending them is the business of their parent."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed shuts nothing down: without this, workers would wait for work for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)
